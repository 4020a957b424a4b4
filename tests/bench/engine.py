"""What is compared: anything that finds the nearest points, with an effort that can be set."""

import statistics
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.bench.data import Ids, recall

# The efforts that are tried, about 10 % apart: the same for every engine, so that none has a finer ladder.
EFFORTS: tuple[int, ...] = (
    *range(10, 16),
    *range(16, 32, 2),
    *range(32, 64, 4),
    *range(64, 128, 8),
    *range(128, 256, 16),
    *range(256, 512, 32),
    *range(512, 961, 64),  # pgvector takes at most 1000
)
# How many efforts are skipped while looking for a bracket.
_STRIDE = 6


@dataclass(frozen=True)
class Speed:
    """Questions per second; `cpu` is the load generator's share of one processor, 0 in process."""

    qps: float
    p50_ms: float
    p99_ms: float
    cpu: float = 0.0


class Engine(Protocol):
    """One engine that holds all points."""

    name: str

    def build(self) -> float:
        """Take all points in; return the seconds."""

    def set_ef(self, ef: int) -> None:
        """Set the effort of a search."""

    def found(self) -> list[list[int]]:
        """Return the points that it finds for each question."""

    def single(self, seconds: float) -> Speed:
        """Ask one question after the other."""

    def callers(self, seconds: float) -> Speed | None:
        """Ask with 16 callers; None where there is no server."""

    def batch(self, seconds: float) -> Speed | None:
        """Ask many questions in one call; None where that can't be."""

    def close(self) -> None:
        """Let go of everything."""


@dataclass(frozen=True)
class Tuned:
    """The least effort that reaches a recall, and the recall it gives."""

    ef: int
    recall: float


class Recalls:
    """What one engine's efforts reach; each is measured once, whatever level asks for it."""

    def __init__(self, recall_at: Callable[[int], float]) -> None:
        self._recall_at = recall_at
        self._known: dict[int, float] = {}

    @property
    def known(self) -> dict[int, float]:
        """The recall of each effort that was measured."""
        return dict(sorted(self._known.items()))

    def least(self, target: float, near: int = 32) -> Tuned:
        """Return the least effort that reaches `target`, or the largest; the search begins `near` one."""
        low, high = self._bracket(target, min(bisect_left(EFFORTS, near), len(EFFORTS) - 1))
        # From here: `low` fails (or is before the first), `high` reaches it (or is the last).
        while high - low > 1:
            middle = (low + high) // 2
            if self._at(middle) >= target:
                high = middle
            else:
                low = middle
        return Tuned(EFFORTS[high], self._at(high))

    def _bracket(self, target: float, begin: int) -> tuple[int, int]:
        # Where another level has measured already, only the gap between its efforts is left to look at.
        failing = [place for place, ef in enumerate(EFFORTS) if self._known.get(ef, target) < target]
        reaching = [place for place, ef in enumerate(EFFORTS) if self._known.get(ef, -1.0) >= target]
        low, high = max(failing, default=-1), min(reaching, default=len(EFFORTS))
        place = min(max(begin, low + 1), high - 1)
        while low < place < high and high - low > _STRIDE:
            if self._at(place) >= target:
                high = place
                place = max(place - _STRIDE, low + 1)
            else:
                low = place
                place = min(place + _STRIDE, high - 1)
        return low, min(high, len(EFFORTS) - 1)

    def _at(self, place: int) -> float:
        ef = EFFORTS[place]
        if ef not in self._known:
            self._known[ef] = self._recall_at(ef)
        return self._known[ef]


def recalls_of(engine: Engine, truth: Ids) -> Recalls:
    """Return what an engine's efforts reach."""

    def at(ef: int) -> float:
        engine.set_ef(ef)
        return recall(engine.found(), truth)

    return Recalls(at)


def median(speeds: Sequence[Speed]) -> Speed:
    """Return the median of each figure."""
    return Speed(
        statistics.median(each.qps for each in speeds),
        statistics.median(each.p50_ms for each in speeds),
        statistics.median(each.p99_ms for each in speeds),
        statistics.median(each.cpu for each in speeds),
    )
