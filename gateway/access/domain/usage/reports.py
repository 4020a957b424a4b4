"""Takes over what services report."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from operator import methodcaller
from typing import Protocol

from gateway.access.domain.keys.known_key import Used
from gateway.access.domain.usage.arrivals import Arrivals
from gateway.access.domain.usage.counters import QueryCounters
from gateway.access.domain.usage.ledger import Kind, KnowledgeStock, Ledger, UsageCount
from gateway.access.domain.usage.month import Month
from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId


class UsedByKnown(Protocol):
    """What the check remembers of workspaces."""

    def renew_used(self, workspace_id: WorkspaceId, renewed: Callable[[Used], Used]) -> None:
        """Take over what a workspace has used by now."""


class Reports:
    """First the ledger, durably; then the gateway's own count, and what this process warns of."""

    def __init__(
        self, ledger: Ledger, counters: QueryCounters, arrivals: Arrivals, known: UsedByKnown, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._counters = counters
        self._arrivals = arrivals
        self._known = known
        self._clock = clock

    def take_over(self, source: str, counts: Sequence[UsageCount], stocks: Sequence[KnowledgeStock]) -> None:
        """
        Keep a report; once this returns it is durable.

        Raises:
            Unavailable: the ledger can't be reached; nothing was kept, the report may be repeated.
        """
        self._ledger.take_over(source, counts, stocks)
        self._arrivals.announce()
        for stock in stocks:
            held = partial(replace, documents=stock.documents, bytes=stock.bytes)
            self._known.renew_used(stock.workspace_id, held)
        present = Month.of(self._clock.now())
        touched = defaultdict[Month, set[WorkspaceId]](set)
        for each in counts:
            if each.kind is Kind.QUERIES:
                touched[Month.of(each.day)].add(each.workspace_id)
        for month, workspaces in touched.items():
            for workspace_id, totals in self._ledger.totals_of(workspaces, month).items():
                self._counters.account(workspace_id, month, totals)
                if month == present:
                    self._known.renew_used(workspace_id, methodcaller("with_queries", totals.counted))
