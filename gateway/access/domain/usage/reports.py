"""Takes over what services report."""

from collections import defaultdict
from collections.abc import Sequence

from gateway.access.domain.usage.arrivals import Arrivals
from gateway.access.domain.usage.counters import QueryCounters
from gateway.access.domain.usage.ledger import Kind, KnowledgeStock, Ledger, UsageCount
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId


class Reports:
    """First the ledger, durably; then the gateway's own count."""

    def __init__(self, ledger: Ledger, counters: QueryCounters, arrivals: Arrivals) -> None:
        self._ledger = ledger
        self._counters = counters
        self._arrivals = arrivals

    def take_over(self, source: str, counts: Sequence[UsageCount], stocks: Sequence[KnowledgeStock]) -> None:
        """
        Keep a report; once this returns it is durable.

        Raises:
            Unavailable: the ledger can't be reached; nothing was kept, the report may be repeated.
        """
        self._ledger.take_over(source, counts, stocks)
        self._arrivals.announce()
        touched = defaultdict[Month, set[WorkspaceId]](set)
        for each in counts:
            if each.kind is Kind.QUERIES:
                touched[Month.of(each.day)].add(each.workspace_id)
        for month, workspaces in touched.items():
            for workspace_id, totals in self._ledger.totals_of(workspaces, month).items():
                self._counters.account(workspace_id, month, totals)
