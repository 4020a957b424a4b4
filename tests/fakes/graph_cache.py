"""Where graphs are kept, for tests."""

from collections.abc import Callable
from pathlib import Path

from services.vector_search.domain.graph import GraphCut, GraphSnapshot


class FakeGraphCache:
    """Keeps the newest graph in a folder; `full` makes it refuse, as a full disk would."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "graph"
        self.cut: GraphCut | None = None
        self.saves = 0
        self.full = False

    def save(self, cut: GraphCut, write: Callable[[Path], None]) -> None:
        """Keep a graph."""
        if self.full:
            raise OSError("no space left")
        write(self._path)
        self.cut = cut
        self.saves += 1

    def load(self, recipe: str) -> GraphSnapshot | None:
        """Return the graph."""
        if self.cut is None or self.cut.recipe != recipe:
            return None
        return GraphSnapshot(self.cut, self._path)

    def delete(self) -> None:
        """Forget it."""
        self.cut = None
