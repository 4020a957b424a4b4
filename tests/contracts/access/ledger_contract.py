"""What every ledger promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod
from datetime import date

import pytest

from gateway.access.domain.keys.known_key import Used
from gateway.access.domain.usage.ledger import (
    Channel,
    Kind,
    KnowledgeStock,
    Ledger,
    MonthUsage,
    Totals,
    UsageCount,
)
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId

HERE, ELSEWHERE = WorkspaceId("ws_here"), WorkspaceId("ws_elsewhere")
NOVEMBER = Month(2026, 11)
DAY = date(2026, 11, 22)


def a_count(
    counted: int,
    uncounted: int = 0,
    *,
    workspace_id: WorkspaceId = HERE,
    kind: Kind = Kind.QUERIES,
    channel: Channel = Channel.API,
    day: date = DAY,
) -> UsageCount:
    """Return totals of one day."""
    return UsageCount(workspace_id, kind, channel, day, counted, uncounted)


class LedgerContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def ledger(self) -> Ledger:
        """Return an empty ledger."""

    def test_nothing_was_reported(self, ledger: Ledger) -> None:
        """Then nothing was used."""
        assert ledger.usage(HERE, NOVEMBER) == MonthUsage()
        assert ledger.totals(HERE, NOVEMBER) == Totals()
        assert ledger.totals_of([HERE], NOVEMBER) == {}
        assert ledger.totals_of([], NOVEMBER) == {}

    def test_a_month_is_the_sum_of_its_days(self, ledger: Ledger) -> None:
        """From the first to the last one, and no other."""
        days = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 1)]
        counts = [a_count(10**place, 2 * 10**place, day=day) for place, day in enumerate(days)]
        ledger.take_over("query", counts, [])
        assert ledger.totals(HERE, NOVEMBER) == Totals(110, 220)
        assert ledger.usage(HERE, NOVEMBER).queries == {Channel.API: 110}

    def test_channels_and_kinds_are_told_apart(self, ledger: Ledger) -> None:
        """All channels are queries; runs of actions are counted by themselves."""
        counts = [
            a_count(1, 4),
            a_count(2, 8, channel=Channel.WIDGET),
            a_count(3, channel=Channel.BATCH),
            a_count(9, 1, kind=Kind.ACTION_RUNS),
        ]
        ledger.take_over("query", counts, [])
        usage = ledger.usage(HERE, NOVEMBER)
        assert usage.queries == {Channel.API: 1, Channel.WIDGET: 2, Channel.BATCH: 3}
        assert usage.totals == ledger.totals(HERE, NOVEMBER) == Totals(6, 12)
        assert usage.used == Used(queries=6, action_runs=9)

    def test_the_greater_totals_stay(self, ledger: Ledger) -> None:
        """Reports may be repeated and overtake each other; each number for itself."""
        for counted, uncounted in [(5, 2), (5, 2), (4, 3), (3, 1)]:
            ledger.take_over("query", [a_count(counted, uncounted)], [])
        assert ledger.totals(HERE, NOVEMBER) == Totals(5, 3)

    def test_totals_of_sources_add_up(self, ledger: Ledger) -> None:
        """What one source says does not replace what another says."""
        ledger.take_over("query-a", [a_count(5, 1)], [])
        ledger.take_over("query-b", [a_count(3, 1)], [])
        assert ledger.totals(HERE, NOVEMBER) == Totals(8, 2)

    def test_the_newest_stock_stays(self, ledger: Ledger) -> None:
        """Whatever the order of the reports; a smaller one too."""
        for documents, size, version in [(5, 500, 2), (9, 900, 1), (3, 10**12, 3), (7, 700, 3)]:
            ledger.take_over("knowledge", [], [KnowledgeStock(HERE, documents, size, version)])
        used = ledger.usage(HERE, NOVEMBER).used
        assert (used.documents, used.bytes) == (3, 10**12)

    def test_one_report_of_many(self, ledger: Ledger) -> None:
        """In any order, of several workspaces, counts and stocks together."""
        counts = [a_count(1, workspace_id=WorkspaceId(f"ws_{number}")) for number in (3, 1, 2)]
        ledger.take_over("query", counts, [KnowledgeStock(WorkspaceId("ws_1"), 4, 40, 1)])
        assert ledger.usage(WorkspaceId("ws_1"), NOVEMBER) == MonthUsage(
            queries={Channel.API: 1}, documents=4, bytes=40
        )
        ids = [WorkspaceId("ws_2"), WorkspaceId("ws_3"), WorkspaceId("ws_4")]
        assert ledger.totals_of(ids, NOVEMBER) == {
            WorkspaceId("ws_2"): Totals(1),
            WorkspaceId("ws_3"): Totals(1),
        }

    def test_workspaces_are_apart(self, ledger: Ledger) -> None:
        """Another's counts and stock are not seen."""
        ledger.take_over(
            "query", [a_count(7, 1, workspace_id=ELSEWHERE)], [KnowledgeStock(ELSEWHERE, 1, 1, 1)]
        )
        assert ledger.usage(HERE, NOVEMBER) == MonthUsage()
        assert ledger.totals_of([HERE], NOVEMBER) == {}
