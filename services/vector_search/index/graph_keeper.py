"""Decides when a collection has a graph, builds it, feeds it, and keeps its snapshot."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import structlog

from services.vector_search.domain.fusion import FusionWeights
from services.vector_search.domain.graph import GraphCache
from services.vector_search.index.dense import DenseIndex
from services.vector_search.index.exact import ExactIndex
from services.vector_search.index.hnsw import HnswIndex, HnswParameters
from services.vector_search.index.read_write_lock import ReadWriteLock
from services.vector_search.index.rows import RowTable

_log = structlog.get_logger(__name__)

# What of an index may be dead before it is built anew.
MAX_DEAD_SHARE = 0.2
# Points that are built into a graph nobody searches yet, between two looks at whether to stop.
_BUILD_STEP = 512


@dataclass(frozen=True)
class CollectionSettings:
    """How collections are indexed."""

    # Below so many passages every vector is compared; from there on a graph is kept.
    exact_below: int = 8_000
    hnsw: HnswParameters = field(default_factory=HnswParameters)
    weights: FusionWeights = field(default_factory=FusionWeights)
    # New rows beside the graph before they are merged into it.
    buffer: int = 512
    # Rows that are merged in one go, while searches wait.
    merge_step: int = 16
    # Points that are new in the graph, in proportion to all, before it is written to disk again.
    snapshot_share: float = 0.1


class GraphKeeper:
    """
    Owns the dense index of one collection.

    `maintain` and `close` take turns. The graph is changed in `maintain` alone: a shared one under the
    collection's lock, a new one aside, with one swap at the end.
    """

    def __init__(self, cache: GraphCache, settings: CollectionSettings) -> None:
        self.serving: DenseIndex = ExactIndex()
        self._cache = cache
        self._settings = settings
        self._graph: HnswIndex | None = None
        self._saved_size = 0
        self._turn = threading.Lock()
        self._closing = False

    @property
    def memory_bytes(self) -> int:
        """What the graph takes."""
        return self._graph.memory_bytes if self._graph else 0

    def load(self, table: RowTable) -> None:
        """Take the graph from its snapshot, where there is a good one and the table is large enough."""
        if table.live < self._settings.exact_below:
            return
        graph = HnswIndex.load(self._cache, table.dimensions, self._settings.hnsw)
        if graph is not None:
            self._graph = self.serving = graph
            self._saved_size = graph.size

    def maintain(self, table: Callable[[], RowTable], changing: threading.Lock, lock: ReadWriteLock) -> None:
        """Build, rebuild, feed or drop the graph, as the table asks for."""
        with self._turn:
            if self._closing:
                return
            if self._graph is not None and table().live < self._settings.exact_below // 2:
                with lock.writing():
                    self._graph, self.serving = None, ExactIndex()
                self._cache.delete()
            elif self._wants_building(table()):
                self._build(table, changing, lock)
            elif self._graph is not None:
                self._merge(self._graph, table, lock)
            graph = self._graph
            if (
                graph is not None
                and graph.size - self._saved_size > self._settings.snapshot_share * graph.size
            ):
                self._snapshot(graph)

    def close(self) -> None:
        """Stop building, and keep a graph that has grown since it was last written."""
        self._closing = True
        with self._turn:
            if self._graph is not None and self._graph.size != self._saved_size:
                self._snapshot(self._graph)

    def _wants_building(self, table: RowTable) -> bool:
        if self._graph is None:
            return table.live >= self._settings.exact_below
        living = int(np.count_nonzero(table.alive[: table.first_row_after(self._graph.last_slot)]))
        return self._graph.size - living > MAX_DEAD_SHARE * self._graph.size

    def _build(self, table: Callable[[], RowTable], changing: threading.Lock, lock: ReadWriteLock) -> None:
        with changing:
            present = table()
            rows = np.flatnonzero(present.alive)
            # What is appended later leaves these rows as they are.
            slots, vectors = present.slots[rows], present.vectors
        graph = HnswIndex(present.dimensions, self._settings.hnsw, capacity=len(rows) + self._settings.buffer)
        for start in range(0, len(rows), _BUILD_STEP):
            if self._closing:
                return
            step = slice(start, start + _BUILD_STEP)
            graph.add(slots[step], vectors[rows[step]])
        with lock.writing():
            self._graph = self.serving = graph
        self._saved_size = 0
        _log.info("graph built", points=graph.size)

    def _merge(self, graph: HnswIndex, table: Callable[[], RowTable], lock: ReadWriteLock) -> None:
        present = table()
        if present.size - present.first_row_after(graph.last_slot) < self._settings.buffer:
            return
        while not self._closing:
            with lock.writing():
                present = table()
                border = present.first_row_after(graph.last_slot)
                rows = border + np.flatnonzero(present.alive[border:])[: self._settings.merge_step]
                graph.add(present.slots[rows], present.vectors[rows])
            if not len(rows):
                return

    def _snapshot(self, graph: HnswIndex) -> None:
        try:
            graph.save(self._cache)
        except OSError as error:
            _log.warning("graph snapshot not written", problem=str(error))
        else:
            self._saved_size = graph.size
