"""Finding the least effort that reaches a recall."""

import pytest

from tests.bench.engine import EFFORTS, Recalls


class CountedRecalls:
    """The more effort, the more is found; remembers what was measured."""

    def __init__(self, hardness: float) -> None:
        self._hardness = hardness
        self.measured: list[int] = []

    def at(self, ef: int) -> float:
        """Return the recall of an effort."""
        self.measured.append(ef)
        return ef / (ef + self._hardness)

    def least(self, target: float) -> int:
        """Return what is to be found, by trying everything."""
        reaching = (ef for ef in EFFORTS if ef / (ef + self._hardness) >= target)
        return next(reaching, EFFORTS[-1])


@pytest.mark.parametrize("hardness", [0.1, 0.6, 1.5, 3.3, 9.0, 200.0])
@pytest.mark.parametrize("near", [1, 32, 5000])
def test_the_least_effort_is_found_wherever_the_search_begins(hardness: float, near: int) -> None:
    """The answer is the least effort of the ladder that reaches the recall, or its last."""
    counted = CountedRecalls(hardness)
    recalls = Recalls(counted.at)
    for target in (0.95, 0.99):
        tuned = recalls.least(target, near)
        assert tuned.ef == counted.least(target)
        assert tuned.recall == pytest.approx(tuned.ef / (tuned.ef + hardness))


def test_no_effort_is_measured_twice() -> None:
    """A second level uses what the first has measured."""
    counted = CountedRecalls(1.5)
    recalls = Recalls(counted.at)
    recalls.least(0.95)
    recalls.least(0.99)
    assert len(counted.measured) == len(set(counted.measured))
    assert len(counted.measured) <= 14
    assert list(recalls.known) == sorted(counted.measured)
