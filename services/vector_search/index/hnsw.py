"""Dense search by a graph (HNSW), for collections that are too large to compare with every vector."""

import threading
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import hnswlib
import numpy as np
import numpy.typing as npt

from services.vector_search.domain.graph import Effort, GraphCache, GraphCut
from services.vector_search.domain.vectors import FloatMatrix, FloatVector, Scores, Slots
from services.vector_search.index.dense import Allowed, Candidates, Leading, best
from services.vector_search.index.exact import ExactIndex
from services.vector_search.index.rows import RowTable, rounded

_LIBRARY = version("hnswlib")

Labels = npt.NDArray[np.uint64]
"""Shape (queries, k): slots as the library gives them."""

Distances = npt.NDArray[np.float32]
"""Shape (queries, k): 1 less the cosine."""

# What a point takes besides its vector and its links on the lowest level.
_POINT_BYTES = 48


@dataclass(frozen=True)
class HnswParameters:
    """How a graph is built and searched."""

    # Links per point.
    m: int = 16
    ef_construction: int = 200
    # Effort of searching until it is measured.
    ef: int = 128
    # Rows that are compared in the time in which the graph finds one point: a filter that leaves fewer than
    # this many for each point that would be asked for is answered by comparing.
    rows_per_step: int = 16
    # Threads for several questions at once, shared by all such calls.
    batch_threads: int = 2


class HnswIndex:
    """
    A graph over the rows up to `last_slot`; rows after it are compared one by one until `add` takes them in.

    The graph knows slots. Dead rows stay in it and are passed over. `add` must be alone; everything else that
    reads may overlap.

    The library's effort is a property of its graph, but never less than the number of points asked for. So it
    is set to 1 there, and `ef` is how many each search asks for: another effort can be tried while others
    search, and what a filter takes away is often there already.
    """

    kind = "hnsw"

    def __init__(self, dimensions: int, parameters: HnswParameters, capacity: int = 0) -> None:
        self._dimensions = dimensions
        self._parameters = parameters
        self.last_slot = -1
        self._helpers = threading.Semaphore(parameters.batch_threads - 1)
        self._exact = ExactIndex()
        self._graph = hnswlib.Index(space="ip", dim=dimensions)
        self._graph.init_index(
            max_elements=max(capacity, 16), M=parameters.m, ef_construction=parameters.ef_construction
        )
        self._graph.set_ef(1)
        self.effort = Effort(parameters.ef, 0.0, 0)

    @property
    def ef(self) -> int:
        """How many points a search looks at."""
        return self.effort.ef

    @property
    def recall(self) -> float:
        """What was measured with this effort; 0: nothing yet."""
        return self.effort.recall

    @property
    def size(self) -> int:
        """Number of points in the graph, dead ones included."""
        return int(self._graph.get_current_count())

    @property
    def memory_bytes(self) -> int:
        """What the graph takes, its own copy of the vectors included."""
        links = 2 * self._parameters.m * 4
        return self.size * (self._dimensions * 4 + links + _POINT_BYTES)

    def leading(
        self, table: RowTable, queries: FloatMatrix, limit: int, allowed: Allowed
    ) -> list[Leading] | None:
        """Return nearly the nearest where all points live and are allowed, and nothing lies beside them."""
        size = self.size
        if not allowed.count == table.live == size or table.first_row_after(self.last_slot) < table.size:
            return None
        found = self._find(queries, min(size, max(limit + 1, self.ef)))
        if found is None:
            return None
        # One more, to see whether the cut falls between equals.
        labels, distances = (each[:, : limit + 1].tolist() for each in found)
        leading = []
        for slots, far in zip(labels, distances, strict=True):
            # As `rounded` does it.
            cosines = [round((1.0 - each) * 1e6) / 1e6 for each in far]
            if len(cosines) > limit:
                if cosines[limit - 1] == cosines[limit]:
                    return None
                del slots[limit:], cosines[limit:]
            leading.append(Leading(slots, cosines))
        return leading

    def nearest(
        self, table: RowTable, queries: FloatMatrix, limit: int, allowed: Allowed
    ) -> list[Candidates]:
        """Return nearly the nearest rows; truly the nearest where the filter leaves few."""
        within, fresh = allowed.split(table.first_row_after(self.last_slot))
        wanted = min(limit, within)
        fetch = self._fetch(wanted, within)
        if wanted and fetch * self._parameters.rows_per_step > allowed.count:
            return self._exact.nearest(table, queries, limit, allowed)
        answers = self._ask(queries, fetch) if wanted else _nothing(len(queries))
        if answers is None:
            return self._exact.nearest(table, queries, limit, allowed)
        sieved = _sieved(table, *answers, limit, allowed, everything=within == self.size)
        found = []
        for query, near in zip(queries, sieved, strict=True):
            enough = near if len(near.rows) >= wanted else self._wider(table, query, wanted, fetch, allowed)
            if enough is None:
                found += self._exact.nearest(table, query[np.newaxis], limit, allowed)
            elif len(fresh):
                rows = np.concatenate((enough.rows, fresh))
                scores = np.concatenate((enough.scores, table.cosines(query, fresh)))
                found.append(best(rows, scores, limit))
            else:
                found.append(_leading(enough, limit))
        return found

    def slots_near(self, queries: FloatMatrix, ef: int) -> Slots | None:
        """Return all slots that an effort finds, shape (queries, ef); None: so many can't be reached."""
        answers = self._ask(queries, min(ef, self.size))
        return None if answers is None else answers[0]

    def add(self, slots: Slots, vectors: FloatMatrix, threads: int = 1) -> None:
        """Take in points with larger slots than all before; by several threads no two graphs are alike."""
        if not len(slots):
            return
        needed = self.size + len(slots)
        if needed > self._graph.get_max_elements():
            self._graph.resize_index(max(needed, self.size * 3 // 2))
        self._graph.add_items(vectors, slots, num_threads=threads)
        self.last_slot = int(slots[-1])

    def save(self, cache: GraphCache) -> None:
        """Write a snapshot. Raises OSError."""
        cut = GraphCut(self.last_slot, recipe(self._dimensions, self._parameters), self.effort)
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
        index.effort = snapshot.cut.effort
        return index

    def _read(self, path: Path) -> None:
        self._graph = hnswlib.Index(space="ip", dim=self._dimensions)
        self._graph.load_index(str(path))
        # Not part of the file.
        self._graph.set_ef(1)

    def _fetch(self, wanted: int, within: int) -> int:
        """Return how many points to ask for, so that `wanted` of them are allowed ones as a rule."""
        if within == self.size:
            return min(self.size, max(wanted, self.ef))
        sieve = self.size / max(1, within)
        # The nearest allowed ones lie further away, where an effort finds less: with an effort for .953 half
        # of 100,000 points were found at .942 and three tenths at .85, with this one at .955 and .95.
        return min(self.size, max(int(wanted * sieve * 1.2) + 8, int(self.ef * sieve ** (1 / 3))))

    def _ask(self, queries: FloatMatrix, fetch: int) -> tuple[Slots, Scores] | None:
        """Return slots and cosines, shape (queries, fetch); None where so many can't be reached."""
        found = self._find(queries, fetch)
        if found is None:
            return None
        labels, distances = found
        # Rounded, so that equal vectors rank equally whichever way their cosines were computed.
        return labels.view(np.int64), rounded(1.0 - distances.astype(np.float64))

    def _find(self, queries: FloatMatrix, fetch: int) -> tuple[Labels, Distances] | None:
        """Ask the graph; several questions with as many more threads as no other such call has taken."""
        helpers = 0
        while helpers + 1 < len(queries) and self._helpers.acquire(blocking=False):
            helpers += 1
        try:
            return self._graph.knn_query(queries, k=fetch, num_threads=1 + helpers)  # type: ignore[no-any-return]
        except RuntimeError:
            return None
        finally:
            if helpers:
                self._helpers.release(helpers)

    def _wider(
        self, table: RowTable, query: FloatVector, wanted: int, fetch: int, allowed: Allowed
    ) -> Candidates | None:
        """Ask for more until enough are allowed; None: comparing is cheaper, or the graph has no more."""
        while fetch < self.size and fetch * self._parameters.rows_per_step <= allowed.count:
            fetch = min(self.size, fetch * 2)
            answers = self._ask(query[np.newaxis], fetch)
            if answers is None:
                return None
            (near,) = _sieved(table, *answers, fetch, allowed, everything=False)
            if len(near.rows) >= wanted:
                return near
        return None


def _sieved(
    table: RowTable, slots: Slots, cosines: Scores, limit: int, allowed: Allowed, *, everything: bool
) -> list[Candidates]:
    """
    Return those of each query's that are allowed, in their order; where `everything` is, no more than needed.
    """
    if everything and not _tied(cosines, limit):
        slots, cosines = slots[:, :limit], cosines[:, :limit]
    rows = table.rows_of(slots.ravel()).reshape(slots.shape)
    if everything:
        return [Candidates(*each) for each in zip(rows, cosines, strict=True)]
    kept = allowed.mask[rows] & (rows >= 0)
    every = zip(rows, cosines, kept, strict=True)
    return [Candidates(rows[those], cosines[those]) for rows, cosines, those in every]


def _tied(cosines: Scores, limit: int) -> bool:
    """Return whether a cut after `limit` columns falls between equals in some row."""
    return cosines.shape[1] > limit and bool((cosines[:, limit - 1] == cosines[:, limit]).any())


def _leading(candidates: Candidates, limit: int) -> Candidates:
    """Return the first of candidates that are best first; where the cut falls between equals, lower rows."""
    rows, scores = candidates.rows, candidates.scores
    if len(rows) > limit and scores[limit - 1] == scores[limit]:
        return best(rows, scores, limit)
    return Candidates(rows[:limit], scores[:limit])


def _nothing(queries: int) -> tuple[Slots, Scores]:
    return np.empty((queries, 0), dtype=np.int64), np.empty((queries, 0))


def recipe(dimensions: int, parameters: HnswParameters) -> str:
    """Return what a graph is made by; another recipe's graph is built anew."""
    shape = f"M={parameters.m} efc={parameters.ef_construction}"
    return f"hnswlib {_LIBRARY} ip {dimensions} {shape}"
