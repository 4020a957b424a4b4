"""What is compared: anything that finds the nearest points, with an effort that can be set."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.bench.data import Ids, recall

_MOST_EF = 1024


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


def tune(engine: Engine, truth: Ids, target: float, least: int = 10) -> Tuned:
    """Return the least effort that reaches `target`, or the largest tried where none does."""

    def at(ef: int) -> float:
        engine.set_ef(ef)
        return recall(engine.found(), truth)

    return least_effort(at, target, least)


def least_effort(recall_at: Callable[[int], float], target: float, least: int = 10) -> Tuned:
    """Search for the least effort by doubling, then halving the gap to about 6 %."""
    low, high = least, least
    reached = recall_at(high)
    while reached < target and high < _MOST_EF:
        low, high = high, min(_MOST_EF, high * 2)
        reached = recall_at(high)
    while high - low > max(1, high // 16):
        middle = (low + high) // 2
        present = recall_at(middle)
        if present >= target:
            high, reached = middle, present
        else:
            low = middle
    return Tuned(high, reached)
