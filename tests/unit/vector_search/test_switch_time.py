"""When a switch is, as far as a replica can know."""

import pytest

from services.vector_search.domain.switch_time import SwitchTime


def test_an_answer_tells_it_to_within_its_round_trip() -> None:
    """The seconds count from some moment between question and answer; clocks drift by at most 1 in 1,000."""
    told = SwitchTime.told(10, sent_at=100, received_at=103)
    assert told.earliest == pytest.approx(109.99)
    assert told.latest == pytest.approx(113.01)


def test_what_is_due_is_due() -> None:
    """Of a switch that was some time ago, the latest instant is past."""
    for seconds in (0.0, -0.001, -5.0, -5000.0):
        assert SwitchTime.told(seconds, sent_at=100, received_at=103).latest <= 103


def test_answers_narrow_each_other() -> None:
    """Each is true, so that the instant is in all of them."""
    assert SwitchTime(1, 5).narrowed(SwitchTime(3, 9)) == SwitchTime(3, 5)
    assert SwitchTime(3, 9).narrowed(SwitchTime(1, 5)) == SwitchTime(3, 5)


def test_a_clock_that_was_set_makes_the_newer_answer_right() -> None:
    """Where two can't both be true, the one before is of another time."""
    assert SwitchTime(1, 2).narrowed(SwitchTime(8, 9)) == SwitchTime(8, 9)
