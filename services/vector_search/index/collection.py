"""One workspace's generation in memory: rows, documents, dense and lexical index, joined with its file."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from services.vector_search.domain.changes import ChangeSet
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.errors import CollectionClosed
from services.vector_search.domain.filters import Filter
from services.vector_search.domain.graph import GraphCache
from services.vector_search.domain.ports import Collection, Delta, PassageStore, StoreInfo
from services.vector_search.domain.search import IndexStatus, SearchQuery, SearchResult
from services.vector_search.index.dense import Allowed
from services.vector_search.index.document_table import DocumentTable
from services.vector_search.index.graph_keeper import MAX_DEAD_SHARE, CollectionSettings, GraphKeeper
from services.vector_search.index.hits import read_hits
from services.vector_search.index.lexical import LexicalIndex
from services.vector_search.index.payload_cache import PayloadCache
from services.vector_search.index.ranking import Ranked, rank_each
from services.vector_search.index.read_write_lock import ReadWriteLock
from services.vector_search.index.rows import DocumentNumbers, RowTable

# So few passages are not worth tidying.
_FEW = 64
# Filters whose rows are remembered between two changes.
_MAX_MASKS = 32
# Questions of a batch that are ranked between two looks at the deadline.
_AT_ONCE = 32


class HybridCollection:
    """
    The collection port.

    Two locks. `_changing` makes changes one at a time: applying, merging, compacting. `_lock` lets searches
    share and is held alone only to swap what they read, so that slow work (SQLite, building) is done before.
    """

    def __init__(self, store: PassageStore, cache: GraphCache, settings: CollectionSettings) -> None:
        self._store = store
        self._settings = settings
        self._changing = threading.Lock()
        self._lock = ReadWriteLock()
        self._table = RowTable(store.info.model.dimensions)
        self._documents = DocumentTable()
        self._graph = GraphKeeper(cache, settings)
        self._lexical = LexicalIndex()
        self._view = self._lexical.view()
        self._payloads = PayloadCache(store, self._payload_bytes)
        self._masks: dict[Filter, Allowed] = {}
        self._revision = store.info.revision
        self._closed = False

    @property
    def info(self) -> StoreInfo:
        """What its file is and how far."""
        return self._store.info

    def status(self) -> IndexStatus:
        """What it has in memory, and how it searches."""
        graph = self._graph.serving
        return IndexStatus(self._revision, self._table.live, graph.kind, graph.ef, graph.recall)

    @property
    def memory_bytes(self) -> int:
        """About how much memory it takes."""
        # Payloads count before they are read, so that reading never exceeds the budget.
        return self._index_bytes() + self._payload_bytes()

    def load(self) -> None:
        """Take everything from the file. Once, before anything else. Raises StoreDamaged."""
        self._store.verify()
        for document in self._store.documents():
            self._documents.put(document)
        words: list[tuple[int, str]] = []
        for batch in self._store.contents():
            self._table.append(batch.slots, self._numbers(batch.document_ids), batch.vectors)
            words += zip(batch.slots.tolist(), batch.words, strict=True)
        self._view = self._lexical.update(np.empty(0, dtype=np.int64), words)
        self._graph.load(self._table)

    def search_each(self, queries: Sequence[SearchQuery], deadline: Deadline) -> list[SearchResult]:
        """Return the nearest passages that each question's filter allows."""
        for each in queries:
            each.require_dimensions(self._table.dimensions)
        if self._lexical.dead and any(each.exact for each in queries):
            with self._changing:
                self._renew_lexical()
        with self._lock.reading():
            if self._closed:
                raise CollectionClosed
            if not self._table.live:
                return [SearchResult((), self._revision)] * len(queries)
            ranked = self._ranked(queries, deadline)
            # Within the lock: the file keeps what a change removed only until the change after it.
            hits = read_hits(self._store, self._payloads, ranked, [each.limit for each in queries])
            return [SearchResult(each, self._revision) for each in hits]

    def apply(self, sets: Sequence[ChangeSet]) -> None:
        """Apply to the file, then to memory."""
        with self._changing:
            if self._closed:
                raise CollectionClosed
            delta = self._store.apply(sets)
            try:
                self._follow(delta)
            except BaseException:
                # Memory no longer fits the file: nobody may search it.
                self._closed = True
                raise

    def settle(self, revision: int) -> None:
        """Note that the file is level at `revision`."""
        with self._changing:
            if self._closed:
                raise CollectionClosed
            self._store.settle(revision)
            with self._lock.writing():
                self._revision = self._store.info.revision

    def maintain(self) -> None:
        """Build anew what is mostly dead, merge new rows into the graph, snapshot it."""
        with self._changing:
            if self._closed:
                return
            if self._lexical.dead > MAX_DEAD_SHARE * max(self._table.live, _FEW):
                self._renew_lexical()
            if self._table.size - self._table.live > MAX_DEAD_SHARE * max(self._table.size, _FEW):
                table = self._table.compacted()
                with self._lock.writing():
                    self._table = table
                    self._masks.clear()
        self._graph.maintain(lambda: self._table, self._changing, self._lock)

    def close(self) -> None:
        """Wait for searches under way, snapshot what is worth it, let go."""
        self._graph.close()
        with self._changing, self._lock.writing():
            self._closed = True
            self._store.close()

    def _follow(self, delta: Delta) -> None:
        added = delta.added
        words = [*zip(added.slots.tolist(), added.words, strict=True), *delta.reworded.items()]
        reworded = np.array(sorted(delta.reworded), dtype=np.int64)
        gone = np.concatenate((delta.removed, reworded))
        view = self._lexical.update(gone, words) if words or len(gone) else self._view
        with self._lock.writing():
            for document_id in delta.removed_documents:
                self._documents.remove(document_id)
            for document in delta.documents:
                self._documents.put(document)
            self._table.remove(delta.removed)
            self._table.append(added.slots, self._numbers(added.document_ids), added.vectors)
            self._view = view
            if delta.documents:
                self._payloads.clear()
            self._masks.clear()
            self._revision = delta.revision

    def _renew_lexical(self) -> None:
        if self._closed or not self._lexical.dead:
            return
        fresh = LexicalIndex()
        view = fresh.update(np.empty(0, dtype=np.int64), self._store.words())
        with self._lock.writing():
            self._lexical, self._view = fresh, view

    def _ranked(self, queries: Sequence[SearchQuery], deadline: Deadline) -> list[Ranked]:
        """Rank question by question, those of one filter together, while somebody waits for the answer."""
        ranked: dict[int, Ranked] = {}
        for wanted, places in _by_filter(queries).items():
            allowed = self._allowed(wanted)
            for start in range(0, len(places), _AT_ONCE):
                deadline.require()
                some = places[start : start + _AT_ONCE]
                found = rank_each(
                    [queries[place] for place in some],
                    table=self._table,
                    allowed=allowed,
                    dense_index=self._graph.serving,
                    lexical=self._view,
                    weights=self._settings.weights,
                )
                ranked.update(zip(some, found, strict=True))
        return [ranked[place] for place in range(len(queries))]

    def _allowed(self, wanted: Filter) -> Allowed:
        allowed = self._masks.get(wanted)
        if allowed is None:
            documents = self._documents.allowed(wanted)
            allowed = Allowed(documents[self._table.documents] & self._table.alive)
            if len(self._masks) < _MAX_MASKS:
                self._masks[wanted] = allowed
        return allowed

    def _index_bytes(self) -> int:
        return self._table.memory_bytes + self._graph.memory_bytes + self._lexical.memory_bytes

    def _payload_bytes(self) -> int:
        return min(self._settings.payload_cache_bytes, self._index_bytes() // 10)

    def _numbers(self, document_ids: Sequence[str]) -> DocumentNumbers:
        numbers = map(self._documents.number_of, document_ids)
        return np.fromiter(numbers, dtype=np.int32, count=len(document_ids))


def _by_filter(queries: Sequence[SearchQuery]) -> dict[Filter, list[int]]:
    places: dict[Filter, list[int]] = {}
    for place, each in enumerate(queries):
        places.setdefault(each.filter, []).append(place)
    return places


@dataclass(frozen=True)
class HybridCollections:
    """The collection loader port."""

    cache_of: Callable[[StoreInfo], GraphCache]
    settings: CollectionSettings

    def load(self, store: PassageStore) -> Collection:
        """Build the collection of a file."""
        collection = HybridCollection(store, self.cache_of(store.info), self.settings)
        try:
            collection.load()
        except BaseException:
            store.close()
            raise
        return collection
