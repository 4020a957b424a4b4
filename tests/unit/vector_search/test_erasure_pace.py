"""When what was deleted or replaced is erased."""

from services.vector_search.index.erasure_pace import ErasurePace
from tests.fakes.vector_search_data import Seconds


def a_pace(clock: Seconds) -> ErasurePace:
    """Return a pace of a collection that was erased just now, in no time."""
    pace = ErasurePace(clock)
    pace.begin()
    pace.ended(0.0)
    return pace


def test_what_was_there_at_the_start_may_be_a_deletion() -> None:
    """A file with traces that somebody opens is erased at once."""
    assert ErasurePace(Seconds()).due()


def test_a_deletion_is_due_at_once() -> None:
    """Nobody waits for others to come."""
    clock = Seconds()
    pace = a_pace(clock)
    assert not pace.due()
    pace.note(deleted=True)
    assert pace.due()


def test_what_was_replaced_waits_for_a_minute() -> None:
    """From when the first of it was replaced, whatever follows; a deletion takes it with it."""
    clock = Seconds()
    pace = a_pace(clock)
    for _ in range(3):
        pace.note(deleted=False)
        clock.now += 19.0
        assert not pace.due()
    clock.now += 3.0
    assert pace.due()
    pace.begin()
    pace.ended(0.1)
    pace.note(deleted=False)
    assert not pace.due()
    pace.note(deleted=True)
    clock.now += 1.0
    assert pace.due()


def test_deletions_that_come_together_are_erased_together() -> None:
    """After one that took long, the next waits for twice as long."""
    clock = Seconds()
    pace = a_pace(clock)
    pace.begin()
    pace.ended(5.0)
    pace.note(deleted=True)
    clock.now += 9.0
    assert not pace.due()
    clock.now += 1.0
    assert pace.due()


def test_replacing_all_the_time_costs_little() -> None:
    """Where erasing takes long, what was replaced waits for twenty times as long."""
    clock = Seconds()
    pace = a_pace(clock)
    pace.begin()
    pace.ended(5.0)
    pace.note(deleted=False)
    clock.now += 99.0
    assert not pace.due()
    clock.now += 1.0
    assert pace.due()


def test_what_failed_is_tried_again() -> None:
    """What was begun and not done is not forgotten."""
    clock = Seconds()
    pace = a_pace(clock)
    pace.begin()
    pace.failed()
    assert pace.due()
