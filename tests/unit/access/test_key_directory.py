"""All that the check needs to know of a key."""

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.keys.key_directory import KeyDirectory
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.keys.known_key import Used
from gateway.access.domain.workspaces.workspace_patch import WorkspacePatch
from services.kernel.ids import WorkspaceId
from tests.unit.access.given import ACME, NOW, PLANS, Store


def _used(workspace_id: WorkspaceId) -> Used:
    return Used(queries=7) if workspace_id == ACME.id else Used(queries=3)


def test_a_key_comes_with_what_its_workspace_may_and_has_used() -> None:
    """Limits are the plan's, or the workspace's own where it has some."""
    store = Store()
    key = store.key()
    patch = WorkspacePatch("scale", {"queries": 5})
    entry = AuditEntry.of_change(Event.WORKSPACE_UPDATED, NOW, ACME.id, details={})
    store.workspaces.change(ACME.id, lambda before: (patch.apply(before), entry))
    known = KeyDirectory(store.keys, PLANS, _used).find(key.public_id)
    assert known is not None
    assert known.key == key
    assert (known.allowance.plan, known.allowance.queries) == ("scale", 5)
    assert known.allowance.requests_per_minute == 3000
    assert known.used == Used(queries=7)
    assert not known.workspace_closed


def test_a_twin_has_the_limits_of_its_workspace_and_counts_of_its_own() -> None:
    """Plan and end of a workspace hold for its test keys; what they use does not count for it."""
    store = Store()
    key = store.key(KeyWish("acme", scopes=("query",), environment="test"))
    entry = AuditEntry.of_change(Event.WORKSPACE_DELETED, NOW, ACME.id, details={})
    store.workspaces.change(ACME.id, lambda before: (before.close(NOW), entry))
    known = KeyDirectory(store.keys, PLANS, _used).find(key.public_id)
    assert known is not None
    assert known.allowance == ACME.allowance(PLANS)
    assert known.used == Used(queries=3)
    assert known.workspace_closed


def test_an_unknown_key_costs_no_more() -> None:
    """What is not there is None."""
    assert KeyDirectory(Store().keys, PLANS, _used).find("AAAAAAAA") is None
