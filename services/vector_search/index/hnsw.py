"""Dense search by a graph (HNSW), for collections that are too large to compare with every vector."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import hnswlib
import numpy as np

from services.vector_search.domain.graph import GraphCache, GraphCut
from services.vector_search.domain.vectors import FloatMatrix, FloatVector, Slots
from services.vector_search.index.dense import Allowed, Candidates, best
from services.vector_search.index.exact import ExactIndex
from services.vector_search.index.rows import Rows, RowTable

_LIBRARY = version("hnswlib")

# A graph that was told to return more than this per question costs more than comparing.
_MAX_FETCH = 1024
# What a point takes besides its vector and its links on the lowest level.
_POINT_BYTES = 48


@dataclass(frozen=True)
class HnswParameters:
    """The graph's shape: links per point, effort of building, effort of searching."""

    m: int = 16
    ef_construction: int = 200
    ef: int = 128


class HnswIndex:
    """
    A graph over the rows up to `last_slot`; rows after it are compared one by one until `add` takes them in.

    The graph knows slots. Dead rows stay in it and are passed over. `add` must be alone; everything else that
    reads may overlap.
    """

    kind = "hnsw"

    def __init__(self, dimensions: int, parameters: HnswParameters, capacity: int = 0) -> None:
        self._dimensions = dimensions
        self._parameters = parameters
        self.last_slot = -1
        self._exact = ExactIndex()
        self._graph = hnswlib.Index(space="ip", dim=dimensions)
        self._graph.init_index(
            max_elements=max(capacity, 16), M=parameters.m, ef_construction=parameters.ef_construction
        )
        self._graph.set_ef(parameters.ef)

    @property
    def size(self) -> int:
        """Number of points in the graph, dead ones included."""
        return int(self._graph.get_current_count())

    @property
    def memory_bytes(self) -> int:
        """What the graph takes, its own copy of the vectors included."""
        links = 2 * self._parameters.m * 4
        return self.size * (self._dimensions * 4 + links + _POINT_BYTES)

    def nearest(self, table: RowTable, query: FloatVector, limit: int, allowed: Allowed) -> Candidates:
        """Return nearly the nearest rows; truly the nearest where the filter leaves few."""
        border = table.first_row_after(self.last_slot)
        within = int(np.count_nonzero(allowed.mask[:border]))
        rows = self._from_graph(table, query, min(limit, within), within, allowed)
        if rows is None:
            return self._exact.nearest(table, query, limit, allowed)
        fresh = border + np.flatnonzero(allowed.mask[border:])
        rows = np.concatenate((rows, fresh))
        return best(rows, table.cosines(query, rows), limit)

    def add(self, slots: Slots, vectors: FloatMatrix) -> None:
        """Take in points with larger slots than all before."""
        if not len(slots):
            return
        needed = self.size + len(slots)
        if needed > self._graph.get_max_elements():
            self._graph.resize_index(max(needed, self.size * 3 // 2))
        self._graph.add_items(vectors, slots, num_threads=1)
        self.last_slot = int(slots[-1])

    def save(self, cache: GraphCache) -> None:
        """Write a snapshot. Raises OSError."""
        cut = GraphCut(self.last_slot, recipe(self._dimensions, self._parameters))
        cache.save(cut, lambda path: self._graph.save_index(str(path)))

    @classmethod
    def load(cls, cache: GraphCache, dimensions: int, parameters: HnswParameters) -> "HnswIndex | None":
        """Return the graph of a snapshot, None where there is none that fits."""
        snapshot = cache.load(recipe(dimensions, parameters))
        if snapshot is None:
            return None
        index = cls(dimensions, parameters)
        index._read(snapshot.path)
        index.last_slot = snapshot.cut.last_slot
        return index

    def _read(self, path: Path) -> None:
        self._graph = hnswlib.Index(space="ip", dim=self._dimensions)
        self._graph.load_index(str(path))
        # The search effort is not part of the file.
        self._graph.set_ef(self._parameters.ef)

    def _from_graph(
        self, table: RowTable, query: FloatVector, limit: int, within: int, allowed: Allowed
    ) -> Rows | None:
        """Return at least `limit` allowed rows of the graph; None where comparing is cheaper or needed."""
        if not limit:
            return np.empty(0, dtype=np.intp)
        fetch = min(self.size, int(limit * self.size / within * 1.2) + 8)
        while fetch <= max(_MAX_FETCH, 2 * limit):
            try:
                labels, _ = self._graph.knn_query(query, k=fetch, num_threads=1)
            except RuntimeError:
                # Fewer points can be reached from the entry than were asked for.
                return None
            rows = table.rows_of(labels[0].astype(np.int64))
            rows = rows[rows >= 0]
            rows = rows[allowed.mask[rows]]
            if len(rows) >= limit:
                return rows
            if fetch == self.size:
                return None
            fetch = min(self.size, fetch * 2)
        return None


def recipe(dimensions: int, parameters: HnswParameters) -> str:
    """Return what a graph is made by; another recipe's graph is built anew."""
    shape = f"M={parameters.m} efc={parameters.ef_construction}"
    return f"hnswlib {_LIBRARY} ip {dimensions} {shape}"
