"""Decides when a collection has a graph, builds it, feeds it, and keeps its snapshot."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from services.vector_search.domain.errors import StoreUnavailable
from services.vector_search.domain.fusion import FusionWeights
from services.vector_search.domain.graph import Effort, GraphCache
from services.vector_search.domain.search import SearchQuery
from services.vector_search.index.asked_questions import AskedQuestions
from services.vector_search.index.calibration import LADDER, choose_effort
from services.vector_search.index.dense import DenseIndex
from services.vector_search.index.exact import ExactIndex
from services.vector_search.index.graph_build import GraphBuild
from services.vector_search.index.hnsw import HnswIndex, HnswParameters
from services.vector_search.index.live_rows import LiveRows
from services.vector_search.index.merge_pace import MergePace
from services.vector_search.index.read_write_lock import ReadWriteLock
from services.vector_search.index.rows import Points, RowTable

_log = structlog.get_logger(__name__)

# What of an index may be dead before it is built anew.
MAX_DEAD_SHARE = 0.2
# What there may be beside a graph, in proportion to it, before it is built anew.
_MAX_BESIDE_SHARE = 0.25
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
    # More rows that came or went between two rounds are the feed's rush, in which the graph waits.
    rush: int = 2_000
    # Threads that build a graph which does not serve yet.
    build_threads: int = 1
    # Points that are new in the graph, in proportion to all, before it is written to disk again. Nobody can
    # search while the library writes (half a second for 100,000 points), so not often; after a crash so many
    # are merged anew.
    snapshot_share: float = 0.25
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
        self._asked = AskedQuestions()
        self._cache = cache
        self._settings = settings
        self._graph: HnswIndex | None = None
        self._saved_size = 0
        self._pace = MergePace()
        # What there was beside the graph and dead in it, at the last round.
        self._drift = 0
        self._turn = threading.Lock()
        self._closing = False

    @property
    def memory_bytes(self) -> int:
        """What the graph takes."""
        return self._graph.memory_bytes + self._asked.memory_bytes if self._graph else 0

    def note(self, queries: Sequence[SearchQuery]) -> None:
        """Remember some of what is asked, to measure the graph with; nothing while there is none."""
        if self._graph is not None:
            self._asked.note(queries)

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
            rows = LiveRows(table, changing, lock)
            if self._graph is None:
                if rows.count >= self._settings.exact_below:
                    self._build(rows)
            elif rows.count < self._settings.exact_below // 2:
                with lock.writing():
                    self._graph, self.serving = None, ExactIndex()
                self._cache.delete()
            else:
                self._tend(self._graph, rows)
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

    def _tend(self, graph: HnswIndex, rows: LiveRows) -> None:
        beside, dead = rows.drift(graph)
        before, self._drift = self._drift, beside + dead
        if self._drift - before > self._settings.rush and self._drift < graph.size:
            # What would be built or merged now would be out of date as soon as it is done.
            return
        if beside > _MAX_BESIDE_SHARE * graph.size or dead > MAX_DEAD_SHARE * graph.size:
            self._build(rows)
            return
        if beside >= self._settings.buffer:
            self._merge(graph, rows)
        if graph.size > graph.effort.points * (1 + _GROWTH) or self._asked.news:
            self._measure(graph, rows.within(graph))

    def _build(self, rows: LiveRows) -> None:
        former, settings = self._graph, self._settings

        def keep_up() -> None:
            # What serves must not fall behind for as long as building takes, where it is any good.
            if former is not None:
                beside, _ = rows.drift(former)
                if settings.buffer <= beside <= _MAX_BESIDE_SHARE * former.size:
                    self._merge(former, rows)

        serves_well = former is not None and rows.drift(former)[0] <= _MAX_BESIDE_SHARE * former.size
        build = GraphBuild(
            settings.hnsw,
            settings.build_threads,
            yielding=serves_well,
            stopped=lambda: self._closing,
            meanwhile=keep_up,
        )
        graph = build.run(rows, settings.buffer)
        if graph is None:
            return
        # Before anybody searches it.
        self._measure(graph, rows.within(graph))
        with rows.lock.writing():
            self._graph = self.serving = graph
        self._saved_size = self._drift = 0
        _log.info("graph built", points=graph.size)

    def _merge(self, graph: HnswIndex, rows: LiveRows) -> None:
        while not self._closing:
            slots, vectors = rows.after(graph.last_slot, self._pace.rows)
            if not len(slots):
                return
            with rows.lock.writing():
                began = time.perf_counter()
                graph.add(slots, vectors)
                seconds = time.perf_counter() - began
            self._pace.took(len(slots), seconds)

    def _fits(self, effort: Effort) -> bool:
        settings = self._settings
        return effort.target == settings.target_recall and settings.fixed_ef in (0, effort.ef)

    def _measure(self, graph: HnswIndex, points: Points) -> None:
        ladder = (self._settings.fixed_ef,) if self._settings.fixed_ef else LADDER
        effort = choose_effort(
            graph, points, self._settings.target_recall, lambda: self._closing, ladder, self._asked.sample()
        )
        if effort is None:
            return
        graph.effort = effort
        _log.info("graph measured", points=graph.size, ef=effort.ef, recall=round(effort.recall, 4))
        if effort.recall < self._settings.target_recall:
            _log.warning("graph below its target", recall=effort.recall, target=self._settings.target_recall)

    def _snapshot(self, graph: HnswIndex) -> None:
        try:
            graph.save(self._cache)
        except (OSError, StoreUnavailable) as error:
            _log.warning("graph snapshot not written", problem=str(error))
        else:
            self._saved_size = graph.size
