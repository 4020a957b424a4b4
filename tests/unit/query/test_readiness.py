"""Readiness."""

import pytest

from services.kernel.errors import Unavailable
from services.query.domain.readiness import Readiness
from tests.fakes.dependency import FakeDependency


def test_all_well_is_ready() -> None:
    """Each part is named."""
    readiness = Readiness({"vector_search": FakeDependency()}, {"conversations": FakeDependency()})
    assert readiness.check() == {"vector_search": "ready", "conversations": "ready"}


def test_a_helpful_part_may_be_away() -> None:
    """Answers go on, degraded."""
    readiness = Readiness({"access": FakeDependency()}, {"conversations": FakeDependency(well=False)})
    assert readiness.check()["conversations"] == "degraded"


def test_needed_parts_that_are_away_are_named() -> None:
    """All of them, with when to ask again."""
    needed = {name: FakeDependency(well=name == "b") for name in "abc"}
    with pytest.raises(Unavailable) as raised:
        Readiness(needed, {}).check()
    assert raised.value.detail == "Not ready: a, c."
    assert raised.value.retry_after == 1.0
