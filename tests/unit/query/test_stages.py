"""The time of stages, by a clock that a test moves."""

import pytest

from services.query.domain.stages import Stages
from tests.unit.query.test_remembered import Seconds


def test_a_stage_that_is_entered_twice_counts_both_times() -> None:
    """Each stage has its own time, the whole has all, also what is in none."""
    seconds = Seconds()
    stages = Stages(seconds)
    for name, takes in (("search", 0.25), ("answer", 1.0), ("search", 0.5)):
        with stages.of(name):
            seconds.now += takes
        seconds.now += 0.125
    assert stages.milliseconds() == {"search": 750.0, "answer": 1000.0, "whole": 2125.0}


def test_a_stage_that_fails_counts() -> None:
    """Its time is known, and the error goes on."""
    seconds = Seconds()
    stages = Stages(seconds)
    with pytest.raises(ValueError, match="no"), stages.of("search"):
        seconds.now += 2
        raise ValueError("no")
    assert stages.milliseconds()["search"] == 2000.0


def test_what_is_left_shrinks() -> None:
    """From the beginning on, to 0; who waits without end does so later, too."""
    seconds = Seconds()
    stages = Stages(seconds)
    seconds.now += 4
    assert stages.left(10) == 6.0
    assert stages.left(3) == 0.0
    assert stages.left(None) is None
