"""The ledger of usage in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

from gateway.access.domain.usage.ledger import (
    Channel,
    Kind,
    KnowledgeStock,
    MonthUsage,
    Totals,
    UsageCount,
)
from gateway.access.domain.usage.month import Month
from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId

_Line = tuple[WorkspaceId, Kind, Channel, date, str]


class FakeLedger:
    """Implements `Ledger`; can be taken down."""

    def __init__(self) -> None:
        self._counts: dict[_Line, UsageCount] = {}
        self._stocks: dict[WorkspaceId, KnowledgeStock] = {}
        self.down = False

    def take_over(self, source: str, counts: Sequence[UsageCount], stocks: Sequence[KnowledgeStock]) -> None:
        """Keep the greater totals and the newer stocks."""
        self._raise_if_down()
        for each in counts:
            line = (each.workspace_id, each.kind, each.channel, each.day, source)
            known = self._counts.get(line, replace(each, counted=0, uncounted=0))
            self._counts[line] = replace(
                each,
                counted=max(each.counted, known.counted),
                uncounted=max(each.uncounted, known.uncounted),
            )
        for stock in stocks:
            held = self._stocks.get(stock.workspace_id)
            if held is None or stock.version > held.version:
                self._stocks[stock.workspace_id] = stock

    def totals(self, workspace_id: WorkspaceId, month: Month) -> Totals:
        """Return a workspace's queries of a month."""
        return self.usage(workspace_id, month).totals

    def totals_of(self, workspaces: Collection[WorkspaceId], month: Month) -> Mapping[WorkspaceId, Totals]:
        """Return the queries of several workspaces."""
        self._raise_if_down()
        known = {each.workspace_id for each in self._of(month) if each.kind is Kind.QUERIES}
        return {each: self.totals(each, month) for each in workspaces if each in known}

    def usage(self, workspace_id: WorkspaceId, month: Month) -> MonthUsage:
        """Return what a workspace has used in a month."""
        self._raise_if_down()
        mine = [each for each in self._of(month) if each.workspace_id == workspace_id]
        queries: dict[Channel, int] = {}
        for each in mine:
            if each.kind is Kind.QUERIES:
                queries[each.channel] = queries.get(each.channel, 0) + each.counted
        stock = self._stocks.get(workspace_id, KnowledgeStock(workspace_id, 0, 0, 0))
        return MonthUsage(
            queries=queries,
            uncounted_queries=sum(each.uncounted for each in mine if each.kind is Kind.QUERIES),
            action_runs=sum(each.counted for each in mine if each.kind is Kind.ACTION_RUNS),
            documents=stock.documents,
            bytes=stock.bytes,
        )

    def _of(self, month: Month) -> list[UsageCount]:
        return [each for each in self._counts.values() if Month.of(each.day) == month]

    def _raise_if_down(self) -> None:
        if self.down:
            raise Unavailable("The database does not answer.")
