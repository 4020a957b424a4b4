"""The dense indexes keep their contract."""

from pathlib import Path

import numpy as np
import pytest

from services.vector_search.index.dense import Allowed, DenseIndex
from services.vector_search.index.exact import ExactIndex
from services.vector_search.index.hnsw import HnswIndex, HnswParameters
from services.vector_search.index.rows import RowTable
from tests.contracts.vector_search.dense_contract import ROWS, DenseIndexContract, a_table
from tests.fakes.graph_cache import FakeGraphCache
from tests.fakes.vector_search_data import unit_rows


class TestExact(DenseIndexContract):
    """Comparing with every vector."""

    def covering(self, table: RowTable, rows: int) -> DenseIndex:
        """Return an index; it has nothing to build."""
        return ExactIndex()


class TestHnsw(DenseIndexContract):
    """The graph, grown in two steps."""

    def covering(self, table: RowTable, rows: int) -> DenseIndex:
        """Return an index whose graph has the first rows."""
        index = HnswIndex(table.dimensions, HnswParameters(8, 100, 100, rows_per_step=0))
        half = rows // 2
        index.add(table.slots[:half], table.vectors[:half])
        index.add(table.slots[half:rows], table.vectors[half:rows])
        return index

    def test_has_a_shorter_way_where_nothing_is_in_it(self, table: RowTable) -> None:
        """With all rows in the graph, alive and allowed; with the least thing else there is none."""
        index = self.covering(table, ROWS)
        queries = unit_rows(5, 3)
        found = index.leading(table, queries, 10, Allowed(table.alive))
        assert found is not None
        assert [len(each.slots) for each in found] == [10, 10, 10]
        mask = table.alive.copy()
        mask[0] = False
        assert index.leading(table, queries, 10, Allowed(mask)) is None

    def test_the_more_a_filter_takes_the_more_is_asked_for(self, table: RowTable) -> None:
        """What is allowed lies further away, where an effort finds less."""
        index = HnswIndex(table.dimensions, HnswParameters(8, 100, 100))
        index.add(table.slots, table.vectors)
        asked = [index._fetch(10, within) for within in (ROWS, ROWS // 2, ROWS // 4)]
        assert asked[0] == 100
        assert asked == sorted(set(asked))

    def test_threads_are_given_back(self, table: RowTable) -> None:
        """After questions that were asked together the next ones find as many threads."""
        index = HnswIndex(table.dimensions, HnswParameters(8, 100, 100, rows_per_step=0, batch_threads=3))
        index.add(table.slots, table.vectors)
        for _ in range(2):
            index.nearest(table, unit_rows(5, 20), 10, Allowed(table.alive))
            assert index._helpers._value == 2

    def test_new_rows_are_found_once_where_the_graph_gives_up(self, table: RowTable) -> None:
        """Where the graph does not get to what is allowed, comparing finds the rest, and nothing twice."""
        index = HnswIndex(table.dimensions, HnswParameters(8, 100, 16, rows_per_step=2))
        index.add(table.slots[: ROWS - 20], table.vectors[: ROWS - 20])
        order = self.truth(table, 5, ROWS)
        mask = np.zeros(ROWS, dtype=np.bool_)
        mask[[row for row in order[180:] if row < ROWS - 20][:80]] = True
        mask[ROWS - 20 :] = True
        found = self.nearest(index, table, 5, 5, mask).rows.tolist()
        assert found == [row for row in order if mask[row]][:5]


class TestHnswFromSnapshot(DenseIndexContract):
    """The graph as it comes back from disk."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        """Keep snapshots in a folder of the test's."""
        self.cache = FakeGraphCache(tmp_path)

    def covering(self, table: RowTable, rows: int) -> DenseIndex:
        """Return an index that was saved and loaded."""
        parameters = HnswParameters(8, 100, 100, rows_per_step=0)
        built = HnswIndex(table.dimensions, parameters)
        built.add(table.slots[:rows], table.vectors[:rows])
        built.save(self.cache)
        loaded = HnswIndex.load(self.cache, table.dimensions, parameters)
        assert loaded is not None
        return loaded

    def test_searches_with_the_same_effort(self, tmp_path: Path) -> None:
        """What the file does not hold is set again: among 3,000 points, the nearest are still found."""
        table = a_table(unit_rows(1, 3000, 32))
        index = self.covering(table, 3000)
        shared = 0
        queries = unit_rows(2, 50, 32)
        answers = index.nearest(table, queries, 10, Allowed(table.alive))
        for query, found in zip(queries, (each.rows for each in answers), strict=True):
            shared += len(set(found) & set(np.argsort(-(table.vectors @ query))[:10]))
        assert shared >= 0.95 * 500

    def test_can_be_fed_further(self, table: RowTable) -> None:
        """A loaded graph takes in new points."""
        index = self.covering(table, 100)
        assert isinstance(index, HnswIndex)
        index.add(table.slots[100:], table.vectors[100:])
        assert index.size == len(table.slots)
        assert self.nearest(index, table, 5, 3).rows.tolist() == self.truth(table, 5, 3)
