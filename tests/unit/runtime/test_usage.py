"""Counts of what a service did."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.runtime.database import Database, open_database
from services.runtime.usage import Line, LineTotals, UsageCounter, usage_table
from tests.fakes.clock import FakeClock

METADATA = sa.MetaData()
TABLE = usage_table(METADATA)
HERE = WorkspaceId("ws_1")
AT = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url, "usage_test")
    METADATA.create_all(database.engine)
    yield database
    database.close()


def stored(database: Database) -> list[tuple[str, str, date, int, int]]:
    """Return what the table holds, by workspace."""
    t = TABLE.c
    query = sa.select(t.workspace_id, t.channel, t.day, t.counted, t.uncounted).order_by(t.workspace_id)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def sums(totals: Sequence[LineTotals]) -> list[tuple[int, int]]:
    """Return only the numbers."""
    return [(each.counted, each.uncounted) for each in totals]


def test_a_count_is_committed_when_it_returns(database: Database) -> None:
    """Another process sees it; the day is that of UTC at its beginning."""
    counter = UsageCounter(database, TABLE, "query")
    counter.counted(HERE, "queries", "api", AT)
    counter.counted(HERE, "queries", "api", AT)
    assert stored(database) == [(HERE, "api", date(2026, 11, 30), 2, 0)]


def test_what_failed_is_committed_with_the_next_look(database: Database) -> None:
    """No caller waits for it."""
    counter = UsageCounter(database, TABLE, "query")
    counter.uncounted(HERE, "queries", "api", AT)
    assert stored(database) == []
    assert counter.wake.is_set()
    assert sums(counter.take()) == [(0, 1)]
    assert stored(database) == [(HERE, "api", date(2026, 11, 30), 0, 1)]


def test_counts_of_many_threads_add_up(database: Database) -> None:
    """However they share their commits."""
    counter = UsageCounter(database, TABLE, "query")

    def count() -> None:
        for _ in range(20):
            counter.counted(HERE, "queries", "api", AT)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert stored(database) == [(HERE, "api", date(2026, 11, 30), 160, 0)]
    assert sums(counter.take()) == [(160, 0)]


def test_totals_are_taken_until_they_were_reported(database: Database) -> None:
    """A report that got lost is made again; what changed meanwhile is taken again, as a whole."""
    counter = UsageCounter(database, TABLE, "query")
    counter.counted(HERE, "queries", "api", AT)
    first = counter.take()
    assert counter.take() == first == [LineTotals(_line(counter), 1, 0)]
    counter.counted(HERE, "queries", "api", AT)
    counter.reported(first)
    second = counter.take()
    assert sums(second) == [(2, 0)]
    counter.reported(second)
    assert counter.take() == []


def test_what_a_run_left_behind_is_reported_by_the_next(database: Database) -> None:
    """In the name of the run that counted it: the new one counts from nothing."""
    clock = FakeClock()
    before = UsageCounter(database, TABLE, "query", clock)
    before.counted(HERE, "queries", "api", AT)
    after = UsageCounter(database, TABLE, "query", clock)
    after.counted(HERE, "queries", "api", AT)
    assert {each.line.source: each.counted for each in after.take()} == {before.source: 1, after.source: 1}
    after.reported(after.take())
    clock.advance(5)
    assert after.take() == []
    clock.advance(5)
    assert UsageCounter(database, TABLE, "query", clock).take() == []


def test_a_database_that_fails_costs_no_count(database: Database) -> None:
    """Counting goes on in memory, is reported all the same, and written when the database is back."""
    counter = UsageCounter(database, TABLE, "query")
    METADATA.drop_all(database.engine)
    counter.counted(HERE, "queries", "api", AT)
    counter.uncounted(HERE, "queries", "api", AT)
    assert sums(counter.take()) == [(1, 1)]
    METADATA.create_all(database.engine)
    counter.take()
    assert stored(database) == [(HERE, "api", date(2026, 11, 30), 1, 1)]
    counter.counted(HERE, "queries", "api", AT)
    assert stored(database) == [(HERE, "api", date(2026, 11, 30), 2, 1)]


def test_days_that_are_over_leave(database: Database) -> None:
    """The memory after two days, the table after two months, but for what has not been reported."""
    clock = FakeClock(AT)
    counter = UsageCounter(database, TABLE, "query", clock)
    for day in range(100):
        counter.counted(WorkspaceId(f"ws_{day:02}"), "queries", "api", clock.now())
        clock.advance(86_400)
        counter.reported([each for each in counter.take() if each.line.workspace_id != "ws_05"])
    assert [each[0] for each in stored(database)] == ["ws_05", *(f"ws_{day:02}" for day in range(38, 100))]
    assert len(counter._totals) <= 3 + 1


def _line(counter: UsageCounter) -> Line:
    return Line(HERE, "queries", "api", date(2026, 11, 30), counter.source)
