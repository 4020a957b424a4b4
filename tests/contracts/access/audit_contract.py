"""What every store of the audit promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod
from datetime import timedelta

import pytest

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.errors import WorkspaceNameTaken, WorkspaceNotFound
from gateway.access.domain.keys.key import KeyChange
from services.kernel.pages import Place
from tests.contracts.access.given import NOW, an_entry, key_in, refuse, workspace_in
from tests.contracts.access.stores import Stores


class AuditContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def stores(self) -> Stores:
        """Return empty stores."""

    def test_each_change_has_its_entry(self, stores: Stores) -> None:
        """What is made and changed is in the audit, newest first; what is not kept is not."""
        acme = workspace_in(stores, "acme")
        key = key_in(stores, acme, NOW + timedelta(seconds=1))
        updated, revoked = (an_entry(acme.id, NOW + timedelta(seconds=each)) for each in (2, 3))
        stores.workspaces.change("acme", lambda before: (before.close(NOW), updated))
        stores.keys.change(key.id, lambda owned: KeyChange(key=owned.key.revoke(NOW), entry=revoked))
        stores.keys.change(key.id, lambda owned: KeyChange(key=owned.key))
        with pytest.raises(WorkspaceNameTaken):
            workspace_in(stores, "acme")
        with pytest.raises(WorkspaceNotFound):
            stores.keys.change(key.id, refuse)
        entries = stores.audit.page(None, None, 10, None)
        assert entries[:2] == [revoked, updated]
        assert len(entries) == 4

    def test_entries_come_back_whole(self, stores: Stores) -> None:
        """Texts in any script, details and counts."""
        refused = AuditEntry.of_refusals(NOW, "", "", "key_unknown", 2**31 - 1)
        changed = AuditEntry.of_change(
            Event.WORKSPACE_UPDATED, NOW, "ws_a", "key_a", details={"plan": "growth → scale"}
        )
        stores.audit.append([])
        stores.audit.append([refused, changed])
        kept = stores.audit.page(None, None, 10, None)
        assert sorted(kept, key=lambda each: each.event) == [refused, changed]

    def test_pages_of_the_audit(self, stores: Stores) -> None:
        """Newest first, each once; of a workspace those of its twin, too; of one event no other."""
        acme = workspace_in(stores, "acme")
        made = [
            an_entry(
                (acme.id, acme.test_id, "ws_other")[number % 3],
                NOW + timedelta(microseconds=1 + number // 2),
                (Event.KEY_CREATED, Event.KEY_REVOKED)[number % 2],
            )
            for number in range(12)
        ]
        stores.audit.append(made)
        for workspace, event in (
            (None, None),
            (acme, None),
            (None, Event.KEY_REVOKED),
            (acme, Event.KEY_CREATED),
        ):
            ids = (acme.id, acme.test_id) if workspace else (acme.id, acme.test_id, "ws_other")
            expected = [
                each for each in made if each.workspace_id in ids and (event is None or each.event is event)
            ]
            paged: list[AuditEntry] = []
            while page := stores.audit.page(
                workspace, event, 2, Place(paged[-1].at, paged[-1].id) if paged else None
            ):
                paged += page
            paged = [each for each in paged if each.event is not Event.WORKSPACE_CREATED]
            assert paged == sorted(expected, key=lambda each: (each.at, each.id), reverse=True)
