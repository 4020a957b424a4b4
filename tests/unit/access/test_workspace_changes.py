"""Plans, limits and the end of workspaces."""

import pytest

from gateway.access.domain.audit import Event
from gateway.access.domain.errors import WorkspaceNameTaken, WorkspaceNotFound
from gateway.access.domain.workspaces.workspace_patch import WorkspacePatch
from tests.unit.access.given import NOW, PLANS
from tests.unit.access.operator_bench import QUERY, Bench, bench, pointers

__all__ = ["bench"]


def test_plan_and_limits_change(bench: Bench) -> None:
    """What is given changes, what is cleared is the plan's again, the rest stays."""
    acme = bench.operator.create_workspace("acme", "")
    bench.operator.update_workspace("acme", WorkspacePatch("", {"queries": 500, "bytes": 2.0e12}))
    changed = bench.operator.update_workspace(acme.id, WorkspacePatch("scale", {"documents": 7}, ["queries"]))
    assert changed.limits == {"bytes": 2 * 10**12, "documents": 7}
    allowance = changed.allowance(PLANS)
    assert (allowance.plan, allowance.queries) == ("scale", 100_000)
    assert (allowance.documents, allowance.bytes) == (7, 2 * 10**12)
    assert bench.operator.list_workspaces(0, "").items == [changed]
    assert bench.forgotten == [acme.id] * 2


@pytest.mark.parametrize(
    ("patch", "where"),
    [
        (WorkspacePatch("gold"), ["/plan"]),
        (WorkspacePatch("", {"queries": 0, "documents": -1}), ["/limits/queries", "/limits/documents"]),
        (WorkspacePatch("", {"bytes": 1.5}), ["/limits/bytes"]),
        (WorkspacePatch("", {"bytes": float("nan")}), ["/limits/bytes"]),
        (WorkspacePatch("", {"bytes": float("inf")}), ["/limits/bytes"]),
        (WorkspacePatch("", {"bytes": 10**15 + 2}), ["/limits/bytes"]),
        (WorkspacePatch("", {"requests_per_minute": 1_000_001}), ["/limits/requests_per_minute"]),
        (WorkspacePatch("", {"queries": 1_000_000_001}), ["/limits/queries"]),
        (WorkspacePatch("", {}, ["plan", "queries", ""]), ["/clear/0", "/clear/2"]),
        (WorkspacePatch("", {"queries": 5}, ["documents", "queries"]), ["/clear/1"]),
        (WorkspacePatch("gold", {"queries": 0}, ["x"]), ["/plan", "/limits/queries", "/clear/0"]),
    ],
)
def test_wrong_patches_change_nothing(bench: Bench, patch: WorkspacePatch, where: list[str]) -> None:
    """Each broken rule is listed."""
    acme = bench.operator.create_workspace("acme", "")
    assert pointers(lambda: bench.operator.update_workspace("acme", patch)) == where
    assert bench.operator.list_workspaces(0, "").items == [acme]


@pytest.mark.parametrize(
    "patch", [WorkspacePatch(), WorkspacePatch("growth"), WorkspacePatch("", {}, ["queries"])]
)
def test_a_patch_that_changes_nothing_is_no_entry(bench: Bench, patch: WorkspacePatch) -> None:
    """The audit has changes only."""
    acme = bench.operator.create_workspace("acme", "")
    assert bench.operator.update_workspace("acme", patch) == acme
    assert [each.event for each in bench.entries()] == [Event.WORKSPACE_CREATED]


def test_a_closed_workspace_stays_closed(bench: Bench) -> None:
    """Nothing is made in it or changed of it, its name stays taken, and it is still listed."""
    bench.operator.create_workspace("acme", "")
    key, _ = bench.operator.create_key(QUERY)
    closed = bench.operator.delete_workspace("acme")
    assert closed.deleted_at == NOW
    bench.clock.advance(60)
    assert bench.operator.delete_workspace("acme") == closed
    for call in (
        lambda: bench.operator.update_workspace("acme", WorkspacePatch("scale")),
        lambda: bench.operator.create_key(QUERY),
        lambda: bench.operator.rotate_key(key.id, 0),
    ):
        with pytest.raises(WorkspaceNotFound):
            call()
    with pytest.raises(WorkspaceNameTaken):
        bench.operator.create_workspace("acme", "")
    assert bench.operator.list_workspaces(0, "").items == [closed]
    assert bench.operator.list_keys("acme", 0, "").items == [key]
    assert bench.operator.revoke_key(key.id).revoked_at is not None
    assert [each.event for each in bench.entries()].count(Event.WORKSPACE_DELETED) == 1
