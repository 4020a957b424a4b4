"""The gateway's own count of queries, in memory."""

from collections.abc import Callable, Sequence

from gateway.access.domain.usage.ledger import Totals
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId

_Key = tuple[WorkspaceId, Month]


class FakeQueryCounters:
    """
    Implements `QueryCounters`, as if nothing were let through for long before `settle`.

    `admitted_by` is for the tests to set, `accounted`, `noted` and `settled` to read.
    """

    def __init__(self) -> None:
        self.admitted_by: dict[_Key, int] = {}
        self.accounted: dict[_Key, Totals] = {}
        self.noted: list[_Key] = []
        self.settled: dict[_Key, Totals] = {}
        self.asked: Callable[[], None] = lambda: None

    def account(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """Take over what the ledger says."""
        key = workspace_id, month
        self.accounted[key] = totals
        if key in self.admitted_by:
            self.admitted_by[key] = max(self.admitted_by[key], totals.accounted)

    def admitted(self, workspace_id: WorkspaceId, month: Month) -> int | None:
        """Return how many were let through."""
        self.asked()
        return self.admitted_by.get((workspace_id, month))

    def note(self, workspace_id: WorkspaceId, month: Month) -> None:
        """Remember it."""
        self.noted.append((workspace_id, month))

    def unsettled(self, limit: int) -> Sequence[_Key]:
        """Return months that were counted in since they were settled."""
        return [key for key in self.admitted_by if key not in self.settled][:limit]

    def settle(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> bool:
        """Drop what is not accounted for."""
        self.settled[workspace_id, month] = totals
        self.admitted_by[workspace_id, month] = totals.accounted
        return True
