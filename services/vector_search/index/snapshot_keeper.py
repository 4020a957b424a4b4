"""Joins the graph's snapshot with those of the rows and words that it belongs to."""

import threading
from collections.abc import Callable
from pathlib import Path

from services.vector_search.domain.graph import GraphCut, GraphSnapshot
from services.vector_search.domain.snapshot import IndexCache, IndexSnapshot, SnapshotDraft


class SnapshotKeeper:
    """
    The graph cache port: a graph is kept with all else that its collection needs after a restart.

    `add_rest` adds rows and words to a draft and returns the revision that they are of, which the
    collection's file has safely on disk by then. Safe to use from several threads.
    """

    def __init__(self, cache: IndexCache, add_rest: Callable[[SnapshotDraft], int]) -> None:
        self._cache = cache
        self._add_rest = add_rest
        self._found: GraphSnapshot | None = None
        # One snapshot is made at a time.
        self._turn = threading.Lock()
        # Whether the snapshot that there is lacks its words.
        self._wordless = False

    def open(self, dimensions: int) -> IndexSnapshot | None:
        """Return the whole snapshot, None where there is none; its graph is what `load` returns next."""
        snapshot = self._cache.load(dimensions)
        self._found = snapshot.graph if snapshot else None
        self._wordless = snapshot is not None and snapshot.words is None
        return snapshot

    def refuse(self, snapshot: IndexSnapshot) -> None:
        """Delete a snapshot that turned out not to fit."""
        self._found = None
        self._cache.retire(snapshot.vectors)
        if snapshot.words is not None:
            self._cache.retire(snapshot.words)
        self.delete()

    def save(self, cut: GraphCut, write: Callable[[Path], None]) -> None:
        """Keep a graph and the rest. Raises OSError, StoreUnavailable."""
        with self._turn:
            self._save(lambda draft: draft.add_graph(cut, write))

    def forget_words(self, gone_at: int) -> None:
        """
        Have no words on disk, but those in use, of what was gone at a revision. Raises StoreUnavailable.

        A snapshot that may have some goes on without its words.
        """
        with self._turn:
            self._wordless = self._cache.forget_words(gone_at)

    def complete(self) -> None:
        """
        Make a snapshot that lost its words whole: its graph, and all else as of now.

        Raises OSError, StoreUnavailable.
        """
        with self._turn:
            if self._wordless:
                self._save(lambda draft: draft.keep_graph())

    def load(self, recipe: str) -> GraphSnapshot | None:
        """Return the graph of the snapshot that was opened, where it is of this recipe."""
        found = self._found
        return found if found is not None and found.cut.recipe == recipe else None

    def delete(self) -> None:
        """Forget the snapshot."""
        self._cache.delete()
        self._wordless = False

    def _save(self, add_graph: Callable[[SnapshotDraft], None]) -> None:
        draft = self._cache.draft()
        try:
            add_graph(draft)
            draft.commit(self._add_rest(draft))
        except BaseException:
            draft.discard()
            raise
        self._wordless = False
