"""Keeps a collection's lexical index, and makes it anew beside the one that serves."""

import threading
from collections.abc import Callable, Iterator
from itertools import chain, islice, takewhile
from pathlib import Path

from services.vector_search.domain.snapshot import IndexCache
from services.vector_search.domain.vectors import Slots
from services.vector_search.index.contents import NO_SLOTS
from services.vector_search.index.lexical import LexicalView
from services.vector_search.index.lexical_index import LexicalIndex
from services.vector_search.index.read_write_lock import ReadWriteLock

Words = Iterator[tuple[int, str]]
"""Slots with their searchable words."""


class LexicalKeeper:
    """
    The lexical index of one collection and the view that serves.

    Whoever changes the collection holds `changing`, searches share `lock`. `take`, `update` and `show` are
    for those who change it; `renew` takes both locks as it needs them.
    """

    def __init__(self, cache: IndexCache, changing: threading.Lock, lock: ReadWriteLock) -> None:
        self._cache = cache
        self._changing = changing
        self._lock = lock
        # One renewal at a time.
        self._renewing = threading.Lock()
        self._stopped = False
        self._index = LexicalIndex()
        self.view = self._index.view()
        # What changed since a renewal began to read; None: nothing is being renewed.
        self._meanwhile: list[tuple[Slots, list[tuple[int, str]]]] | None = None

    @property
    def folder(self) -> Path | None:
        """Where it is on disk; None: in memory."""
        return self._index.folder

    @property
    def dead(self) -> int:
        """How many passages that are gone are still in it."""
        return self._index.dead

    @property
    def memory_bytes(self) -> int:
        """About what it takes."""
        return self._index.memory_bytes

    def take(self, index: LexicalIndex, view: LexicalView) -> None:
        """Have this one, before anybody searches."""
        self._index, self.view = index, view

    def update(self, gone: Slots, words: list[tuple[int, str]]) -> LexicalView:
        """Take slots out and put others in; return the view for `show`. Raises StoreUnavailable."""
        if not words and not len(gone):
            return self.view
        if self._meanwhile is not None:
            self._meanwhile.append((gone, words))
        return self._index.update(gone, words)

    def show(self, view: LexicalView) -> None:
        """Have searches, all of which are shut out just now, see an update."""
        self.view = view

    def renew(
        self, words: Callable[[], Words], *, wanted: Callable[[], bool], on_disk: Callable[[], bool]
    ) -> None:
        """
        Make it anew of what lives, while it goes on serving and being changed, and make up for the changes.

        Nothing is done where it is not `wanted`, neither at the beginning nor at the end.

        Raises:
            StoreDamaged, StoreUnavailable: it goes on as it is.
        """
        with self._renewing:
            with self._changing:
                if self._stopped or not wanted():
                    return
                rows = words()
                # Read as of now: the rest is of the same moment as the first.
                first = list(islice(rows, 1))
                fresh = LexicalIndex(self._cache.new_words() if on_disk() else None)
                self._meanwhile = []
            try:
                fresh.update(NO_SLOTS, takewhile(lambda _: not self._stopped, chain(first, rows)))
                with self._changing:
                    if not self._stopped and wanted():
                        self._swap(fresh)
            finally:
                self._meanwhile = None
                if self._index is not fresh:
                    self._retire(fresh)

    def stop(self) -> None:
        """End a renewal that is under way, and begin no other."""
        self._stopped = True
        with self._renewing:
            pass

    def _swap(self, fresh: LexicalIndex) -> None:
        view = fresh.view()
        for gone, words in self._meanwhile or ():
            view = fresh.update(gone, words)
        before = self._index
        with self._lock.writing():
            self._index, self.view = fresh, view
        self._retire(before)

    def _retire(self, index: LexicalIndex) -> None:
        if index.folder is not None:
            self._cache.retire(index.folder)
