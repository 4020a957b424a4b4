"""Who is taken from the queue, and when again."""

from datetime import UTC, datetime, timedelta

import pytest

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.queue import Pace, Waiting, backoff, fair

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def waiting(workspace: str, name: str, lapses: int = 0) -> Waiting:
    return Waiting(WorkspaceId(workspace), DocumentId(name), lapses)


def test_workspaces_take_turns() -> None:
    """A large push does not hold up another workspace's single document."""
    large = [waiting("large", f"l{n}") for n in range(1000)]
    small = [waiting("small", "s0")]
    assert [each.document_id for each in fair([large, small], 4)] == ["l0", "s0", "l1", "l2"]


def test_what_indexers_died_of_comes_alone() -> None:
    """A document that may be what kills indexers takes nothing with it, and holds nothing up."""
    poison, others = waiting("w", "p", lapses=3), [waiting("w", "a"), waiting("w", "b", lapses=2)]
    assert fair([[poison, *others]], 10) == [poison]
    assert fair([[*others, poison]], 10) == others


def test_backoff_grows_to_a_minute() -> None:
    """Each failure waits longer, never for long."""
    assert [backoff(n).total_seconds() for n in range(1, 6)] == [1, 4, 16, 60, 60]


def test_pace_is_the_mean_of_those_that_waited() -> None:
    """Ten documents that came together and took two seconds each, however they were committed."""
    one, batches = Pace(), Pace()
    for n in range(1, 11):
        one = one.after(NOON, NOON + timedelta(seconds=2 * n))
        batches = batches.after(NOON, NOON + timedelta(seconds=10 * ((n + 4) // 5)))
    assert one.seconds == pytest.approx(2)
    assert batches.seconds == pytest.approx(2)


def test_pace_knows_rest_from_work() -> None:
    """A document a day, each done in a second, is a pace of a second."""
    pace = Pace()
    for day in range(5):
        queued_at = NOON + timedelta(days=day)
        pace = pace.after(queued_at, queued_at + timedelta(seconds=1))
    assert pace.seconds == pytest.approx(1)


def test_pace_follows_a_change() -> None:
    """What was fast and is slow is soon seen so; an outage of hours is not taken for the new pace."""
    pace = Pace()
    for n in range(200):
        pace = pace.after(NOON, NOON + timedelta(seconds=n / 10))
    assert pace.seconds == pytest.approx(0.1, rel=0.1)
    away = NOON + timedelta(hours=5)
    pace = pace.after(NOON, away)
    assert pace.seconds < 2
    for n in range(1, 200):
        pace = pace.after(NOON, away + timedelta(seconds=5 * n))
    assert pace.seconds == pytest.approx(5, rel=0.1)


def test_pace_is_never_nothing() -> None:
    """Also by a clock that stands still."""
    assert Pace().after(NOON, NOON).seconds > 0
    assert Pace().after(NOON, NOON - timedelta(seconds=5)).seconds > 0
