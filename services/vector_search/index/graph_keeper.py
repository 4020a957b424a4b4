"""Decides when a collection has a graph, builds it, feeds it, and keeps its snapshot."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import structlog

from services.vector_search.domain.fusion import FusionWeights
from services.vector_search.domain.graph import Effort, GraphCache
from services.vector_search.index.calibration import LADDER, choose_effort
from services.vector_search.index.dense import DenseIndex
from services.vector_search.index.exact import ExactIndex
from services.vector_search.index.hnsw import HnswIndex, HnswParameters
from services.vector_search.index.read_write_lock import ReadWriteLock
from services.vector_search.index.rows import Points, RowTable

_log = structlog.get_logger(__name__)

# What of an index may be dead before it is built anew.
MAX_DEAD_SHARE = 0.2
# Points that are built into a graph nobody searches yet, between two looks at whether to stop.
_BUILD_STEP = 512
# By how much a graph may grow before its effort is chosen anew.
_GROWTH = 0.25


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
    # The share of the true nearest ten that a graph is to find; its effort is chosen for it.
    target_recall: float = 0.95
    # The effort, whatever it reaches; 0: choose it.
    fixed_ef: int = 0
    # What a collection keeps of payloads that were read lately, but no more than a tenth of all else.
    payload_cache_bytes: int = 16 << 20


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
            if not self._fits(graph.effort):
                # Serves as it is until it is measured.
                graph.effort = replace(graph.effort, ef=self._settings.fixed_ef or graph.ef, points=0)
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
                if self._graph.size > self._graph.effort.points * (1 + _GROWTH):
                    self._measure_present(self._graph, table, changing)
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
            points = present.points(present.size)
        capacity = len(points.rows) + self._settings.buffer
        graph = HnswIndex(present.dimensions, self._settings.hnsw, capacity)
        for start in range(0, len(points.rows), _BUILD_STEP):
            if self._closing:
                return
            step = slice(start, start + _BUILD_STEP)
            graph.add(points.slots[step], points.vectors[points.rows[step]])
        # Before anybody searches it.
        self._measure(graph, points)
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

    def _measure_present(
        self, graph: HnswIndex, table: Callable[[], RowTable], changing: threading.Lock
    ) -> None:
        with changing:
            present = table()
            points = present.points(present.first_row_after(graph.last_slot))
        self._measure(graph, points)

    def _fits(self, effort: Effort) -> bool:
        settings = self._settings
        return effort.target == settings.target_recall and settings.fixed_ef in (0, effort.ef)

    def _measure(self, graph: HnswIndex, points: Points) -> None:
        ladder = (self._settings.fixed_ef,) if self._settings.fixed_ef else LADDER
        effort = choose_effort(graph, points, self._settings.target_recall, lambda: self._closing, ladder)
        if effort is None:
            return
        graph.effort = effort
        _log.info("graph measured", points=graph.size, ef=effort.ef, recall=round(effort.recall, 4))
        if effort.recall < self._settings.target_recall:
            _log.warning("graph below its target", recall=effort.recall, target=self._settings.target_recall)

    def _snapshot(self, graph: HnswIndex) -> None:
        try:
            graph.save(self._cache)
        except OSError as error:
            _log.warning("graph snapshot not written", problem=str(error))
        else:
            self._saved_size = graph.size
