"""What every store of signing keys promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from gateway.access.domain.ports import Audit, Workspaces
from gateway.access.domain.user_tokens.errors import UserKeyNotFound
from gateway.access.domain.user_tokens.ports import UserKeyChange, UserKeys
from gateway.access.domain.user_tokens.user_key import UserKey, UserKeyWish
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.pages import Place
from tests.contracts.access.given import NOW, an_entry


@dataclass(frozen=True)
class UserKeyStores:
    """The ports of one store."""

    workspaces: Workspaces
    user_keys: UserKeys
    audit: Audit

    def workspace(self, name: str) -> Workspace:
        """Make a workspace."""
        workspace = Workspace.create(name, "", NOW)
        self.workspaces.add(workspace, an_entry(workspace.id))
        return workspace

    def key(self, workspace: Workspace, seconds: float = 0, **wish: str) -> UserKey:
        """Make a key so many seconds later."""
        key = UserKeyWish(workspace.name, **wish).grant(workspace, NOW + timedelta(seconds=seconds))
        self.user_keys.add(key, an_entry(key.workspace_id))
        return key


class UserKeysContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def stores(self) -> UserKeyStores:
        """Return empty stores."""

    def test_a_key_comes_back_whole(self, stores: UserKeyStores) -> None:
        """With its secret, or its public key, or where that is."""
        acme = stores.workspace("acme")
        made = [
            stores.key(acme, 1, issuer="login ü"),
            stores.key(acme, 2, algorithm="EdDSA", public_key="-----BEGIN PUBLIC KEY-----\n…"),
            stores.key(acme, 3, algorithm="RS256", jwks_url="https://acme.example/jwks.json"),
        ]
        assert list(stores.user_keys.active(acme.id)) == made
        assert len(made[0].secret) == 43

    def test_a_key_and_its_entry_are_kept_together(self, stores: UserKeyStores) -> None:
        """The audit has one more for each."""
        acme = stores.workspace("acme")
        key = UserKeyWish("acme").grant(acme, NOW)
        entry = an_entry(acme.id, NOW + timedelta(seconds=1))
        stores.user_keys.add(key, entry)
        assert stores.audit.page(None, None, 200, None)[0] == entry

    def test_workspaces_and_twins_are_apart(self, stores: UserKeyStores) -> None:
        """Each has the keys that were made for it."""
        acme, other = stores.workspace("acme"), stores.workspace("other")
        live, test = stores.key(acme), stores.key(acme, environment="test")
        theirs = stores.key(other)
        assert list(stores.user_keys.active(acme.id)) == [live]
        assert list(stores.user_keys.active(acme.test_id)) == [test]
        assert list(stores.user_keys.active(other.id)) == [theirs]
        assert list(stores.user_keys.active(other.test_id)) == []

    def test_a_disabled_key_is_not_active(self, stores: UserKeyStores) -> None:
        """It is listed, and the audit has an entry more."""
        acme = stores.workspace("acme")
        key, second = stores.key(acme), stores.key(acme, 1)
        before = len(stores.audit.page(None, None, 200, None))
        later = NOW + timedelta(hours=1)
        disabled = stores.user_keys.change(key.kid, lambda found: (found.disable(later), an_entry(acme.id)))
        assert disabled == replace(key, secret="", disabled_at=later)
        assert list(stores.user_keys.active(acme.id)) == [second]
        assert disabled in stores.user_keys.page(acme, 10, None)
        assert len(stores.audit.page(None, None, 200, None)) == before + 1

    def test_without_an_entry_nothing_changes(self, stores: UserKeyStores) -> None:
        """Nor where the rule raises."""
        acme = stores.workspace("acme")
        key = stores.key(acme)

        def broken(found: UserKey) -> UserKeyChange:
            raise UserKeyNotFound

        assert stores.user_keys.change(key.kid, lambda found: (found, None)) == replace(key, secret="")
        with pytest.raises(UserKeyNotFound):
            stores.user_keys.change(key.kid, broken)
        assert list(stores.user_keys.active(acme.id)) == [key]

    @pytest.mark.parametrize("kid", ["", "uk_0", "uk\0", "%"])
    def test_there_is_no_other_key(self, stores: UserKeyStores, kid: str) -> None:
        """Whatever is asked for."""
        stores.key(stores.workspace("acme"))
        with pytest.raises(UserKeyNotFound):
            stores.user_keys.change(kid, lambda found: (found, None))

    def test_pages(self, stores: UserKeyStores) -> None:
        """A workspace's and its twin's keys, newest first, each once, without secrets; no other's."""
        acme, other = stores.workspace("acme"), stores.workspace("other")
        stores.key(other)
        of_acme = [
            stores.key(acme, number // 2, environment=environment)
            for number, environment in enumerate(["live", "test", "live", "test", "live"])
        ]
        expected = sorted(of_acme, key=lambda key: (key.created_at, key.kid), reverse=True)
        paged: list[UserKey] = []
        while page := stores.user_keys.page(acme, 2, _place(paged[-1]) if paged else None):
            paged += page
        assert paged == [replace(key, secret="") for key in expected]


def _place(key: UserKey) -> Place:
    return Place(key.created_at, key.kid)
