"""Puts the gateway's own count of queries right where no report will."""

from collections import defaultdict

from gateway.access.domain.usage.counters import QueryCounters
from gateway.access.domain.usage.ledger import LedgerTotals, Totals
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId

# Months looked at in one round, and seconds between two.
MOST = 500
PERIOD_SECONDS = 15.0


class Reconciliation:
    """
    Looks after months that were counted in.

    What was let through and never reached a service that counts (refused for its body, or lost with a
    process that died) is dropped from the gateway's count; a count that was lost is rebuilt.
    """

    def __init__(self, ledger: LedgerTotals, counters: QueryCounters) -> None:
        self._ledger = ledger
        self._counters = counters

    def go_round(self) -> int:
        """
        Look at the months that have waited longest, a bounded number; return how many are right now.

        Raises:
            Unavailable: the ledger can't be read; the months go on waiting.
        """
        waiting = defaultdict[Month, list[WorkspaceId]](list)
        for workspace_id, month in self._counters.unsettled(MOST):
            waiting[month].append(workspace_id)
        settled = 0
        for month, workspaces in waiting.items():
            known = self._ledger.totals_of(workspaces, month)
            for workspace_id in workspaces:
                settled += self._counters.settle(workspace_id, month, known.get(workspace_id, Totals()))
        return settled
