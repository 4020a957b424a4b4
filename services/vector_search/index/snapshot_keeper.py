"""Joins the graph's snapshot with those of the rows and words that it belongs to."""

from collections.abc import Callable
from pathlib import Path

from services.vector_search.domain.graph import GraphCut, GraphSnapshot
from services.vector_search.domain.snapshot import IndexCache, IndexSnapshot, SnapshotDraft


class SnapshotKeeper:
    """
    The graph cache port: a graph is kept with all else that its collection needs after a restart.

    `add_rest` adds rows and words to a draft and returns the revision that they are of, which the
    collection's file has safely on disk by then.
    """

    def __init__(self, cache: IndexCache, add_rest: Callable[[SnapshotDraft], int]) -> None:
        self._cache = cache
        self._add_rest = add_rest
        self._found: GraphSnapshot | None = None

    def open(self, dimensions: int) -> IndexSnapshot | None:
        """Return the whole snapshot, None where there is none; its graph is what `load` returns next."""
        snapshot = self._cache.load(dimensions)
        self._found = snapshot.graph if snapshot else None
        return snapshot

    def refuse(self, snapshot: IndexSnapshot) -> None:
        """Delete a snapshot that turned out not to fit."""
        self._found = None
        self._cache.retire(snapshot.vectors)
        self._cache.retire(snapshot.words)
        self._cache.delete()

    def save(self, cut: GraphCut, write: Callable[[Path], None]) -> None:
        """Keep a graph and the rest. Raises OSError, StoreUnavailable."""
        draft = self._cache.draft()
        try:
            draft.add_graph(cut, write)
            draft.commit(self._add_rest(draft))
        except BaseException:
            draft.discard()
            raise

    def load(self, recipe: str) -> GraphSnapshot | None:
        """Return the graph of the snapshot that was opened, where it is of this recipe."""
        found = self._found
        return found if found is not None and found.cut.recipe == recipe else None

    def delete(self) -> None:
        """Forget the snapshot."""
        self._cache.delete()
