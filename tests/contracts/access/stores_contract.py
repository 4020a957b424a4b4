"""What every store of workspaces and keys promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta

import pytest

from gateway.access.domain.errors import WorkspaceNameTaken
from gateway.access.domain.key import Key, KeyWish
from gateway.access.domain.workspace import Workspace
from services.kernel.pages import Place
from tests.contracts.access.stores import Stores

NOW = datetime(2026, 11, 22, 7, 26, 33, 123456, tzinfo=UTC)


class StoresContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def stores(self) -> Stores:
        """Return empty stores."""

    def test_finds_a_workspace_by_id_and_by_name(self, stores: Stores) -> None:
        """A workspace comes back whole, with its twin's id."""
        acme = _workspace(stores, "acme")
        assert stores.workspaces.find(acme.id) == acme
        assert stores.workspaces.find("acme") == acme

    def test_a_twin_is_no_name_of_a_workspace(self, stores: Stores) -> None:
        """The twin's id names no workspace: which of the two is meant would be open."""
        acme = _workspace(stores, "acme")
        assert stores.workspaces.find(acme.test_id) is None

    @pytest.mark.parametrize("text", ["", "nobody", "ACME", "acme\0", "%", "ws_0000"])
    def test_finds_no_workspace(self, stores: Stores, text: str) -> None:
        """Whatever else is asked for is not there."""
        _workspace(stores, "acme")
        assert stores.workspaces.find(text) is None

    def test_an_id_goes_before_a_name(self, stores: Stores) -> None:
        """Naming a workspace like another's id takes nothing over."""
        acme = _workspace(stores, "acme")
        _workspace(stores, acme.id)
        assert stores.workspaces.find(acme.id) == acme

    def test_names_are_unique(self, stores: Stores) -> None:
        """A name in use is refused, and the first workspace keeps it."""
        acme = _workspace(stores, "acme")
        with pytest.raises(WorkspaceNameTaken):
            _workspace(stores, "acme")
        assert stores.workspaces.find("acme") == acme
        assert stores.workspaces.page(10, None) == [acme]

    def test_pages_of_workspaces(self, stores: Stores) -> None:
        """Oldest first, those of one instant by id, each once whatever the size of the pages."""
        all_of_them = [
            _workspace(stores, f"w{number}", NOW + timedelta(microseconds=number // 2)) for number in range(5)
        ]
        expected = sorted(all_of_them, key=lambda each: (each.created_at, each.id))
        paged: list[Workspace] = []
        while page := stores.workspaces.page(2, _place(paged[-1]) if paged else None):
            paged += page
        assert paged == expected

    def test_finds_a_key(self, stores: Stores) -> None:
        """A key comes back whole."""
        workspace = _workspace(stores, "acme")
        key = _key(stores, workspace, expires_in_seconds=60)
        assert stores.keys.find(key.public_id) == key
        assert stores.keys.find("AAAAAAAA") is None

    def test_public_ids_are_told_apart_by_case(self, stores: Stores) -> None:
        """Base62 has both cases; another case is another key."""
        key = _key(stores, _workspace(stores, "acme"))
        assert stores.keys.find(key.public_id.swapcase()) is None

    def test_revokes_once(self, stores: Stores) -> None:
        """The first revocation counts, and a look-up tells of it."""
        key = _key(stores, _workspace(stores, "acme"))
        revoked = stores.keys.revoke(key.id, NOW + timedelta(hours=1))
        assert revoked == key.revoke(NOW + timedelta(hours=1))
        assert stores.keys.revoke(key.id, NOW + timedelta(hours=2)) == revoked
        assert stores.keys.find(key.public_id) == revoked

    @pytest.mark.parametrize("key_id", ["", "key_0", "key\0"])
    def test_revokes_no_other(self, stores: Stores, key_id: str) -> None:
        """An unknown id is None, and no key is touched."""
        key = _key(stores, _workspace(stores, "acme"))
        assert stores.keys.revoke(key_id, NOW) is None
        assert stores.keys.find(key.public_id) == key

    def test_pages_of_keys(self, stores: Stores) -> None:
        """A workspace's and its twin's keys, newest first, each once; no other's."""
        acme, other = _workspace(stores, "acme"), _workspace(stores, "other")
        _key(stores, other)
        of_acme = [
            _key(stores, acme, NOW + timedelta(microseconds=number // 2), environment=environment)
            for number, environment in enumerate(["live", "test", "live", "test", "live"])
        ]
        expected = sorted(of_acme, key=lambda key: (key.created_at, key.id), reverse=True)
        paged: list[Key] = []
        while page := stores.keys.page(acme, 2, _place(paged[-1]) if paged else None):
            paged += page
        assert paged == expected

    def test_notes_the_last_use(self, stores: Stores) -> None:
        """The latest use stays, whatever the order in which processes report; unknown ids are passed over."""
        workspace = _workspace(stores, "acme")
        used, unused = _key(stores, workspace), _key(stores, workspace)
        later = NOW + timedelta(minutes=5)
        stores.keys.touch({})
        stores.keys.touch({used.id: later, "key_unknown": NOW})
        stores.keys.touch({used.id: NOW})
        found, other = stores.keys.find(used.public_id), stores.keys.find(unused.public_id)
        assert found is not None
        assert found.last_used_at == later
        assert other == unused


def _workspace(stores: Stores, name: str, now: datetime = NOW) -> Workspace:
    workspace = Workspace.create(name, "", now)
    stores.workspaces.add(workspace)
    return workspace


def _key(
    stores: Stores,
    workspace: Workspace,
    now: datetime = NOW,
    *,
    environment: str = "live",
    expires_in_seconds: int = 0,
) -> Key:
    wish = KeyWish(
        workspace.id, "ci", ("query", "knowledge:read"), environment, expires_in_seconds=expires_in_seconds
    )
    key, _ = wish.grant(workspace, now)
    stores.keys.add(key)
    return key


def _place(row: Workspace | Key) -> Place:
    return Place(row.created_at, row.id)
