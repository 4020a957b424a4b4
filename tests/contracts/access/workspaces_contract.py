"""What every store of workspaces promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod
from datetime import timedelta

import pytest

from gateway.access.domain.errors import WorkspaceNameTaken, WorkspaceNotFound
from gateway.access.domain.ports import WorkspaceChange
from gateway.access.domain.workspaces.workspace import Workspace
from gateway.access.domain.workspaces.workspace_patch import WorkspacePatch
from tests.contracts.access.given import NOW, an_entry, place, workspace_in
from tests.contracts.access.stores import Stores


class WorkspacesContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def stores(self) -> Stores:
        """Return empty stores."""

    def test_finds_a_workspace_by_id_and_by_name(self, stores: Stores) -> None:
        """A workspace comes back whole, with its twin's id."""
        acme = workspace_in(stores, "acme")
        assert stores.workspaces.find(acme.id) == acme
        assert stores.workspaces.find("acme") == acme

    def test_a_twin_is_no_name_of_a_workspace(self, stores: Stores) -> None:
        """The twin's id names no workspace: which of the two is meant would be open."""
        acme = workspace_in(stores, "acme")
        assert stores.workspaces.find(acme.test_id) is None

    @pytest.mark.parametrize("text", ["", "nobody", "ACME", "acme\0", "%", "ws_0000"])
    def test_finds_no_workspace(self, stores: Stores, text: str) -> None:
        """Whatever else is asked for is not there."""
        workspace_in(stores, "acme")
        assert stores.workspaces.find(text) is None

    def test_an_id_goes_before_a_name(self, stores: Stores) -> None:
        """Naming a workspace like another's id takes nothing over."""
        acme = workspace_in(stores, "acme")
        workspace_in(stores, acme.id)
        assert stores.workspaces.find(acme.id) == acme

    def test_names_are_unique(self, stores: Stores) -> None:
        """A name in use is refused, and the first workspace keeps it."""
        acme = workspace_in(stores, "acme")
        with pytest.raises(WorkspaceNameTaken):
            workspace_in(stores, "acme")
        assert stores.workspaces.find("acme") == acme
        assert stores.workspaces.page(10, None) == [acme]

    def test_pages_of_workspaces(self, stores: Stores) -> None:
        """Oldest first, those of one instant by id, each once whatever the size of the pages."""
        all_of_them = [
            workspace_in(stores, f"w{number}", NOW + timedelta(microseconds=number // 2))
            for number in range(5)
        ]
        expected = sorted(all_of_them, key=lambda each: (each.created_at, each.id))
        paged: list[Workspace] = []
        while page := stores.workspaces.page(2, place(paged[-1]) if paged else None):
            paged += page
        assert paged == expected

    def test_changes_a_workspace(self, stores: Stores) -> None:
        """Plan, limits beyond 32 bits and the end come back, found by name, id and each list."""
        acme = workspace_in(stores, "acme")
        patch = WorkspacePatch("scale", {"queries": 5, "bytes": 10**15})
        after = patch.apply(acme).close(NOW + timedelta(hours=1))
        assert stores.workspaces.change("acme", lambda _: (after, an_entry(acme.id))) == after
        assert after != acme
        assert stores.workspaces.find("acme") == stores.workspaces.find(acme.id) == after
        assert stores.workspaces.page(10, None) == [after]

    def test_a_rule_sees_the_workspace_as_it_is(self, stores: Stores) -> None:
        """Each change begins from the one before; without an entry nothing is kept."""
        acme = workspace_in(stores, "acme")
        seen: list[Workspace] = []

        def rule(before: Workspace) -> WorkspaceChange:
            seen.append(before)
            limits = {"queries": len(seen)}
            return WorkspacePatch("", limits).apply(before), an_entry(acme.id) if len(seen) < 3 else None

        made = [stores.workspaces.change(acme.id, rule) for _ in range(3)]
        assert seen == [acme, made[0], made[1]]
        assert stores.workspaces.find("acme") == made[1]

    @pytest.mark.parametrize("text", ["", "nobody", "acme\0", "{test_id}"])
    def test_changes_no_other_workspace(self, stores: Stores, text: str) -> None:
        """What names no workspace, a twin's id included, changes none."""
        acme = workspace_in(stores, "acme")
        with pytest.raises(WorkspaceNotFound):
            stores.workspaces.change(
                text.format(test_id=acme.test_id), lambda before: (before.close(NOW), an_entry(acme.id))
            )
        assert stores.workspaces.page(10, None) == [acme]
