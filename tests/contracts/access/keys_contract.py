"""What every store of keys promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod
from datetime import timedelta

import pytest

from gateway.access.domain.errors import KeyNotFound, WorkspaceNotFound
from gateway.access.domain.keys.key import Key, KeyChange, OwnedKey
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.workspaces.workspace_patch import WorkspacePatch
from tests.contracts.access.given import NOW, an_entry, found, key_in, place, refuse, workspace_in
from tests.contracts.access.stores import Stores


class KeysContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def stores(self) -> Stores:
        """Return empty stores."""

    @pytest.mark.parametrize("environment", ["live", "test"])
    def test_finds_a_key_with_its_workspace(self, stores: Stores, environment: str) -> None:
        """A key comes back whole, and the live workspace with it, as that is now."""
        workspace_in(stores, "other")
        acme = workspace_in(stores, "acme")
        key = key_in(stores, acme, environment=environment, expires_in_seconds=60)
        assert stores.keys.find(key.public_id) == OwnedKey(key, acme)
        assert stores.keys.find("AAAAAAAA") is None
        closed = WorkspacePatch("starter", {"queries": 5}).apply(acme).close(NOW)
        stores.workspaces.change("acme", lambda _: (closed, an_entry(acme.id)))
        assert stores.keys.find(key.public_id) == OwnedKey(key, closed)

    def test_finds_a_publishable_key(self, stores: Stores) -> None:
        """Kind, origins and the limit of its own come back."""
        acme = workspace_in(stores, "acme")
        origins = ("https://shop.example", "http://localhost:3000")
        wish = KeyWish("acme", kind="publishable", origins=origins, requests_per_minute=1_000_000)
        key, _ = wish.grant(acme, NOW)
        stores.keys.add(key, an_entry(acme.id))
        assert found(stores, key) == key

    def test_public_ids_are_told_apart_by_case(self, stores: Stores) -> None:
        """Base62 has both cases; another case is another key."""
        key = key_in(stores, workspace_in(stores, "acme"))
        assert stores.keys.find(key.public_id.swapcase()) is None

    def test_changes_a_key(self, stores: Stores) -> None:
        """What the rule makes of a key is kept, and the next one begins from there."""
        acme = workspace_in(stores, "acme")
        key = key_in(stores, acme, environment="test")

        def revoke(owned: OwnedKey) -> KeyChange:
            assert owned.workspace == acme
            return KeyChange(key=owned.key.revoke(NOW), entry=an_entry(acme.test_id))

        revoked = stores.keys.change(key.id, revoke).key
        assert revoked == key.revoke(NOW)
        assert found(stores, key) == revoked
        assert stores.keys.change(key.id, lambda owned: KeyChange(key=owned.key)).key == revoked

    def test_rotates_a_key(self, stores: Stores) -> None:
        """The key's new end and its successor are kept together."""
        acme = workspace_in(stores, "acme")
        key = key_in(stores, acme)
        rotation = key.rotate(timedelta(hours=1), NOW)
        change = KeyChange(key=rotation.key, entry=an_entry(acme.id), successor=rotation.successor)
        assert stores.keys.change(key.id, lambda _: change) == change
        assert found(stores, key) == rotation.key
        assert found(stores, rotation.successor) == rotation.successor

    def test_without_an_entry_no_key_changes(self, stores: Stores) -> None:
        """A rule that finds nothing to do leaves the key, and what it raises gets through."""
        key = key_in(stores, workspace_in(stores, "acme"))
        stores.keys.change(key.id, lambda owned: KeyChange(key=owned.key.revoke(NOW)))
        with pytest.raises(WorkspaceNotFound):
            stores.keys.change(key.id, refuse)
        assert found(stores, key) == key

    @pytest.mark.parametrize("key_id", ["", "key_0", "key\0"])
    def test_changes_no_other_key(self, stores: Stores, key_id: str) -> None:
        """An unknown id changes no key."""
        key = key_in(stores, workspace_in(stores, "acme"))
        with pytest.raises(KeyNotFound):
            stores.keys.change(key_id, lambda owned: KeyChange(key=owned.key.revoke(NOW), entry=an_entry("")))
        assert found(stores, key) == key

    def test_pages_of_keys(self, stores: Stores) -> None:
        """A workspace's and its twin's keys, newest first, each once; no other's."""
        acme, other = workspace_in(stores, "acme"), workspace_in(stores, "other")
        key_in(stores, other)
        of_acme = [
            key_in(stores, acme, NOW + timedelta(microseconds=number // 2), environment=environment)
            for number, environment in enumerate(["live", "test", "live", "test", "live"])
        ]
        expected = sorted(of_acme, key=lambda key: (key.created_at, key.id), reverse=True)
        paged: list[Key] = []
        while page := stores.keys.page(acme, 2, place(paged[-1]) if paged else None):
            paged += page
        assert paged == expected

    def test_notes_the_last_use(self, stores: Stores) -> None:
        """The latest use stays, whatever the order in which processes report; unknown ids are passed over."""
        workspace = workspace_in(stores, "acme")
        used, unused = key_in(stores, workspace), key_in(stores, workspace)
        later = NOW + timedelta(minutes=5)
        stores.keys.touch({})
        stores.keys.touch({used.id: later, "key_unknown": NOW})
        stores.keys.touch({used.id: NOW})
        assert found(stores, used).last_used_at == later
        assert found(stores, unused) == unused
