"""A graph's snapshot, as the index and the disk speak of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Effort:
    """How many points a search of a graph looks at, and what that finds."""

    ef: int
    # Share of the true nearest ten, 0 to 1.
    recall: float
    # Of the graph when that was measured; 0: never.
    points: int
    # The recall that it was chosen for.
    target: float = 0.0


@dataclass(frozen=True)
class GraphCut:
    """
    What a graph holds: the passages up to a slot, built by a recipe.

    Not a revision: slots never come back, so that a graph of any earlier state of the file still fits.
    """

    last_slot: int
    # Library, space, dimensions and parameters: a graph of another recipe is not used.
    recipe: str
    effort: Effort


@dataclass(frozen=True)
class GraphSnapshot:
    """A snapshot that is whole."""

    cut: GraphCut
    path: Path


class GraphCache(Protocol):
    """Where the graph of one workspace file is kept between runs; losing it costs only time."""

    def save(self, cut: GraphCut, write: Callable[[Path], None]) -> None:
        """Keep the graph that `write` writes to the path it is given. Raises OSError."""

    def load(self, recipe: str) -> GraphSnapshot | None:
        """Return the snapshot, None where there is none that is whole and of this recipe."""

    def delete(self) -> None:
        """Forget it."""
