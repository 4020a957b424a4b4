"""One workspace's generation in memory: rows, documents, dense and lexical index, joined with its file."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import structlog

from services.vector_search.domain.changes import ChangeSet
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.errors import CollectionClosed, StoreUnavailable
from services.vector_search.domain.filters import Filter
from services.vector_search.domain.ports import Collection, Delta, PassageStore, StoreInfo
from services.vector_search.domain.search import (
    IndexStatus,
    PassageEncoder,
    SearchQuery,
    SearchResult,
)
from services.vector_search.domain.snapshot import IndexCache, SnapshotDraft, StoredVectors
from services.vector_search.index.contents import (
    Contents,
    SnapshotMisfit,
    from_file,
    from_snapshot,
)
from services.vector_search.index.dense import Allowed
from services.vector_search.index.document_table import DocumentTable
from services.vector_search.index.erasure import Erasure
from services.vector_search.index.graph_keeper import MAX_DEAD_SHARE, CollectionSettings, GraphKeeper
from services.vector_search.index.lexical_keeper import LexicalKeeper
from services.vector_search.index.payload_cache import PayloadCache
from services.vector_search.index.ranking import Ranked, rank_each
from services.vector_search.index.read_write_lock import ReadWriteLock
from services.vector_search.index.results import read_results
from services.vector_search.index.rows import DocumentNumbers, RowTable
from services.vector_search.index.snapshot_keeper import SnapshotKeeper

_log = structlog.get_logger(__name__)

# So few passages are not worth tidying.
_FEW = 64
# Filters whose rows are remembered between two changes.
_MAX_MASKS = 32
# Questions of a batch that are ranked between two looks at the deadline.
_AT_ONCE = 64
# How long changes wait for whoever packs the file or builds the rows anew.
_PATIENCE_SECONDS = 2.0


class HybridCollection:
    """
    The collection port.

    Two locks. `_changing` makes changes one at a time: applying, merging, compacting. `_lock` lets searches
    share and is held alone only to swap what they read, so that slow work (SQLite, building) is done before.
    """

    def __init__(
        self, store: PassageStore, cache: IndexCache, settings: CollectionSettings, encode: PassageEncoder
    ) -> None:
        self._store = store
        self._cache = cache
        self._settings = settings
        self._changing = threading.Lock()
        self._lock = ReadWriteLock()
        self._table = RowTable(store.info.model.dimensions)
        self._documents = DocumentTable()
        # Where the table's vectors are; None: in memory.
        self._vectors: StoredVectors | None = None
        self._snapshots = SnapshotKeeper(cache, self._add_to)
        self._graph = GraphKeeper(self._snapshots, settings)
        self._lexical = LexicalKeeper(cache, self._changing, self._lock)
        self._erasure = Erasure(store, self._lexical, self._snapshots, self._changing)
        self._payloads = PayloadCache(store, encode, self._payload_bytes)
        self._masks: dict[Filter, Allowed] = {}
        self._revision = store.info.revision
        self._verified = False
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
        for document in self._store.documents():
            self._documents.put(document)
        contents = self._from_snapshot()
        if contents is None:
            self._verify_once()
            contents = self._from_file()
        self._table, self._vectors = contents.table, contents.vectors
        self._lexical.take(contents.lexical, contents.view)
        self._graph.load(self._table)

    def search_each(self, queries: Sequence[SearchQuery], deadline: Deadline) -> list[SearchResult]:
        """Return the nearest passages that each question's filter allows."""
        for each in queries:
            each.require_dimensions(self._table.dimensions)
        self._graph.note(queries)
        if self._lexical.dead and any(each.exact for each in queries):
            self._lexical.renew(
                self._store.words,
                wanted=lambda: self._lexical.dead > 0,
                on_disk=lambda: self._lexical.folder is not None,
            )
        with self._lock.reading():
            if self._closed:
                raise CollectionClosed
            if not self._table.live:
                nothing = SearchResult(self._revision, generation=self._store.info.generation)
                return [nothing] * len(queries)
            ranked = self._ranked(queries, deadline)
            # Within the lock: the file keeps what a change removed only until the change after it.
            return read_results(
                self._store, self._payloads, ranked, queries, self._revision, self._store.info.generation
            )

    def apply(self, sets: Sequence[ChangeSet]) -> None:
        """Apply to the file, then to memory."""
        with self._changes():
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
        with self._changes():
            if self._closed:
                raise CollectionClosed
            self._store.settle(revision)
            with self._lock.writing():
                self._revision = self._store.info.revision

    def maintain(self) -> None:
        """Build anew what is mostly dead or in the wrong place; feed the graph, snapshot all."""
        try:
            self._renew()
        except StoreUnavailable as error:
            _log.warning("index not renewed", problem=str(error))
        self._graph.maintain(lambda: self._table, self._changing, self._lock)
        self._complete_snapshot()
        # What building and searching have read of the file of vectors.
        self._table.release()
        self._verify_once()

    def erase(self) -> None:
        """Take what was deleted or replaced out of all files, where it is time."""
        self._erasure.run()

    def close(self) -> None:
        """Wait for searches under way, snapshot what is worth it, let go."""
        self._lexical.stop()
        self._erasure.stop()
        self._graph.close()
        self._complete_snapshot()
        with self._changing, self._lock.writing():
            self._closed = True
            self._store.close()
            if self._vectors is not None:
                self._vectors.close()

    def _follow(self, delta: Delta) -> None:
        added = delta.added
        words = [*zip(added.slots.tolist(), added.words, strict=True), *delta.reworded.items()]
        reworded = np.array(sorted(delta.reworded), dtype=np.int64)
        gone = np.concatenate((delta.removed, reworded))
        view = self._lexical.update(gone, words)
        self._erasure.note(delta)
        with self._lock.writing():
            for document_id in delta.removed_documents:
                self._documents.remove(document_id)
            for document in delta.documents:
                self._documents.put(document)
            self._table.remove(delta.removed)
            self._table.append(added.slots, self._numbers(added.document_ids), added.vectors)
            self._lexical.show(view)
            self._payloads.forget((*delta.relabelled.tolist(), *delta.removed.tolist()))
            self._masks.clear()
            self._revision = delta.revision

    def _from_snapshot(self) -> Contents | None:
        """Return what a snapshot gives, None where there is none that fits the file."""
        if self._store.count() < self._settings.exact_below:
            self._cache.delete()
            return None
        snapshot = self._snapshots.open(self._table.dimensions)
        if snapshot is None:
            return None
        try:
            return from_snapshot(snapshot, self._store, self._numbers, self._cache)
        except SnapshotMisfit as misfit:
            _log.warning("index snapshot dropped", problem=str(misfit))
            self._snapshots.refuse(snapshot)
            return None

    def _from_file(self) -> Contents:
        if self._store.count() >= self._settings.exact_below:
            try:
                return from_file(self._store, self._numbers, self._cache)
            except StoreUnavailable as error:
                # A full disk must not keep anybody from searching.
                _log.warning("index held in memory", problem=str(error))
        return from_file(self._store, self._numbers, None)

    def _verify_once(self) -> None:
        # Reads the whole file: with a snapshot, what serves is checked by its own checksums before that.
        if not self._verified and not self._closed:
            self._store.verify()
            self._verified = True

    def _belongs_on_disk(self) -> bool:
        """Return whether vectors and words are to be in files: where there is, or will be, a graph."""
        has_graph = self._vectors is not None or self._graph.serving.kind == "hnsw"
        least = self._settings.exact_below // 2 if has_graph else self._settings.exact_below
        return self._table.live >= least

    def _renew(self) -> None:
        """Build anew what is mostly dead, or is in memory and belongs on disk, or the other way round."""
        self._lexical.renew(self._store.words, wanted=self._words_are_stale, on_disk=self._belongs_on_disk)
        with self._changing:
            on_disk = self._belongs_on_disk()
            dead = self._table.size - self._table.live
            moves = on_disk != (self._vectors is not None)
            if not self._closed and (moves or dead > MAX_DEAD_SHARE * max(self._table.size, _FEW)):
                self._renew_table(on_disk)

    def _words_are_stale(self) -> bool:
        moves = self._belongs_on_disk() != (self._lexical.folder is not None)
        return moves or self._lexical.dead > MAX_DEAD_SHARE * max(self._table.live, _FEW)

    def _renew_table(self, on_disk: bool) -> None:
        vectors = self._cache.new_vectors(self._table.dimensions) if on_disk else None
        table, before = self._table.compacted(vectors), self._vectors
        with self._lock.writing():
            self._table, self._vectors = table, vectors
            self._masks.clear()
        if before is not None:
            self._cache.retire(before)

    def _complete_snapshot(self) -> None:
        try:
            self._snapshots.complete()
        except (OSError, StoreUnavailable) as error:
            _log.warning("index snapshot not completed", problem=str(error))

    @contextmanager
    def _changes(self) -> Iterator[None]:
        """Hold the right to change; whoever asks has a lease to renew, and must not wait long."""
        if not self._changing.acquire(timeout=_PATIENCE_SECONDS):
            raise StoreUnavailable("the index is being put in order")
        try:
            yield
        finally:
            self._changing.release()

    def _add_to(self, draft: SnapshotDraft) -> int:
        """Add rows and words to a snapshot; return their revision, which is safe on disk."""
        with self._changing:
            if self._vectors is None or self._lexical.folder is None:
                raise StoreUnavailable("the index is not in files yet")
            draft.add_rows(self._table.slots, self._table.alive, self._vectors)
            draft.add_words(self._lexical.folder, self._lexical.dead)
            revision = self._store.info.revision
        self._store.checkpoint()
        return revision

    def _ranked(self, queries: Sequence[SearchQuery], deadline: Deadline) -> list[Ranked]:
        """Rank question by question, those of one filter together, while somebody waits for the answer."""
        if len(queries) == 1:
            return self._ranked_alike(queries, self._allowed(queries[0].filter), deadline)
        ranked: dict[int, Ranked] = {}
        for wanted, places in _by_filter(queries).items():
            allowed = self._allowed(wanted)
            for start in range(0, len(places), _AT_ONCE):
                some = places[start : start + _AT_ONCE]
                found = self._ranked_alike([queries[place] for place in some], allowed, deadline)
                ranked.update(zip(some, found, strict=True))
        return [ranked[place] for place in range(len(queries))]

    def _ranked_alike(
        self, queries: Sequence[SearchQuery], allowed: Allowed, deadline: Deadline
    ) -> list[Ranked]:
        deadline.require()
        return rank_each(
            queries,
            table=self._table,
            allowed=allowed,
            dense_index=self._graph.serving,
            lexical=self._lexical.view,
            weights=self._settings.weights,
        )

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

    cache_of: Callable[[StoreInfo], IndexCache]
    settings: CollectionSettings
    encode: PassageEncoder

    def prepared_bytes(self, info: StoreInfo) -> int:
        """Return about how much memory a file's snapshot takes, 0 where it has none."""
        return self.cache_of(info).prepared_bytes()

    def load(self, store: PassageStore) -> Collection:
        """Build the collection of a file."""
        collection = HybridCollection(store, self.cache_of(store.info), self.settings, self.encode)
        try:
            collection.load()
        except BaseException:
            store.close()
            raise
        return collection
