"""What every dense index promises."""

from abc import ABC, abstractmethod

import numpy as np
import pytest

from services.vector_search.domain.vectors import FloatMatrix
from services.vector_search.index.dense import Allowed, Candidates, DenseIndex
from services.vector_search.index.rows import Mask, RowTable
from tests.fakes.vector_search_data import DIMENSIONS, unit_rows

ROWS = 300


def a_table(vectors: FloatMatrix) -> RowTable:
    """Return a table whose slots are 10, 20, 30 and so on."""
    table = RowTable(vectors.shape[1])
    slots = np.arange(1, len(vectors) + 1, dtype=np.int64) * 10
    table.append(slots, np.zeros(len(vectors), dtype=np.int32), vectors)
    return table


class DenseIndexContract(ABC):
    """Run by every dense index; `covering` makes one that has seen a part of the table's rows."""

    @abstractmethod
    def covering(self, table: RowTable, rows: int) -> DenseIndex:
        """Return an index over a table whose first `rows` rows were there when it was built."""

    @pytest.fixture
    def table(self) -> RowTable:
        """Return a table of random vectors."""
        return a_table(unit_rows(1, ROWS))

    def nearest(
        self, index: DenseIndex, table: RowTable, seed: int, limit: int, mask: Mask | None = None
    ) -> Candidates:
        """Search with a random vector."""
        allowed = table.alive if mask is None else mask & table.alive
        return index.nearest(table, unit_rows(seed, 1), limit, Allowed(allowed))[0]

    def truth(self, table: RowTable, seed: int, limit: int, mask: Mask | None = None) -> list[int]:
        """Return the true nearest rows."""
        rows = np.flatnonzero(table.alive if mask is None else mask & table.alive)
        scores = table.vectors[rows].astype(np.float64) @ unit_rows(seed, 1)[0].astype(np.float64)
        return [int(row) for row in rows[np.argsort(-scores)][:limit]]

    @pytest.mark.parametrize("built", [ROWS, ROWS - 40, 0])
    def test_finds_the_nearest(self, table: RowTable, built: int) -> None:
        """The nearest are found, whether they came before or after the index was built."""
        index = self.covering(table, built)
        shared = [
            len(set(self.nearest(index, table, seed, 10).rows) & set(self.truth(table, seed, 10)))
            for seed in range(100, 150)
        ]
        assert sum(shared) >= 0.97 * 500

    def test_a_new_row_is_found_at_once(self, table: RowTable) -> None:
        """A row that was appended a moment ago is found."""
        index = self.covering(table, ROWS)
        vector = unit_rows(7, 1)
        table.append(np.array([99_999]), np.zeros(1, dtype=np.int32), vector)
        assert self.nearest(index, table, 7, 1).rows.tolist() == [ROWS]

    def test_scores_are_cosines_best_first(self, table: RowTable) -> None:
        """Scores are the cosines of the rows that they stand beside, in descending order."""
        found = self.nearest(self.covering(table, ROWS), table, 5, 20)
        assert np.allclose(found.scores, table.vectors[found.rows] @ unit_rows(5, 1)[0], atol=1e-6)
        assert (np.diff(found.scores) <= 0).all()

    @pytest.mark.parametrize("kept", [0.9, 0.5, 0.1, 0.02])
    @pytest.mark.parametrize("limit", [1, 10, 200])
    def test_filters_never_cost_hits(self, table: RowTable, kept: float, limit: int) -> None:
        """However few rows are allowed, all of them are found, up to the limit, each once."""
        mask = np.random.default_rng(3).random(ROWS) < kept
        found = self.nearest(self.covering(table, ROWS - 20), table, 5, limit, mask).rows.tolist()
        assert len(found) == len(set(found)) == min(limit, int(mask.sum()))
        assert mask[found].all()

    def test_far_rows_are_found_where_only_they_are_allowed(self, table: RowTable) -> None:
        """A filter that leaves just what is farthest still gets its hits."""
        far = self.truth(table, 5, ROWS)[-30:]
        mask = np.zeros(ROWS, dtype=np.bool_)
        mask[far] = True
        found = self.nearest(self.covering(table, ROWS), table, 5, 30, mask).rows.tolist()
        assert found == far

    def test_dead_rows_are_never_found(self, table: RowTable) -> None:
        """A row that was marked dead is not found any more."""
        index = self.covering(table, ROWS)
        table.remove(table.slots[self.truth(table, 5, 50)].copy())
        found = self.nearest(index, table, 5, 20).rows
        assert len(found) == 20
        assert table.alive[found].all()

    @pytest.mark.parametrize("kept", [1.0, 0.1])
    @pytest.mark.parametrize("limit", [3, 200])
    def test_a_batch_finds_what_each_question_finds(self, table: RowTable, kept: float, limit: int) -> None:
        """Questions that are asked together don't influence each other."""
        index = self.covering(table, ROWS - 40)
        allowed = Allowed(np.random.default_rng(3).random(ROWS) < kept)
        queries = unit_rows(300, 40)
        together = index.nearest(table, queries, limit, allowed)
        for query, found in zip(queries, together, strict=True):
            alone = index.nearest(table, query[np.newaxis], limit, allowed)[0]
            assert found.rows.tolist() == alone.rows.tolist()
            assert found.scores.tolist() == alone.scores.tolist()

    @pytest.mark.parametrize("change", ["nothing", "filtered", "gone", "changed", "new"])
    @pytest.mark.parametrize("limit", [1, 5, 200])
    def test_the_shorter_way_finds_the_same(self, change: str, limit: int) -> None:
        """Where there is one; among pairs that are almost equal it cuts where the other way does."""
        vectors = unit_rows(1, ROWS)
        vectors[ROWS // 2 :] = vectors[: ROWS // 2] + 1e-7 * unit_rows(2, ROWS // 2)
        table = a_table(vectors)
        index = self.covering(table, ROWS)
        mask = np.ones(ROWS, dtype=np.bool_)
        if change == "filtered":
            mask[:20] = False
        if change in ("gone", "changed"):
            table.remove(table.slots[:1].copy())
        if change in ("changed", "new"):
            table.append(np.array([99_999]), np.zeros(1, dtype=np.int32), unit_rows(300, 1))
            mask = np.append(mask, True)
        allowed = Allowed(mask & table.alive)
        for query in unit_rows(300, 40):
            short = index.leading(table, query[np.newaxis], limit, allowed)
            (long,) = index.nearest(table, query[np.newaxis], limit, allowed)
            if short is not None:
                assert short[0].slots == table.slots[long.rows].tolist()
                assert short[0].cosines == long.scores.tolist()

    def test_survives_compaction(self, table: RowTable) -> None:
        """Rows have other numbers after the dead are taken out, and are found under those."""
        table.append(np.array([99_999]), np.zeros(1, dtype=np.int32), unit_rows(10, 1))
        index = self.covering(table, ROWS + 1)
        table.remove(table.slots[:-1:3].copy())
        compacted = table.compacted()
        found = self.nearest(index, compacted, 10, 5).rows.tolist()
        assert sorted(found) == sorted(self.truth(compacted, 10, 5))

    def test_nothing_in_an_empty_table(self) -> None:
        """An empty table has no nearest row."""
        table = RowTable(DIMENSIONS)
        assert self.nearest(self.covering(table, 0), table, 5, 10).rows.tolist() == []

    def test_nothing_where_nothing_is_allowed(self, table: RowTable) -> None:
        """A filter that allows nothing finds nothing."""
        nothing = np.zeros(ROWS, dtype=np.bool_)
        assert self.nearest(self.covering(table, ROWS), table, 5, 10, nothing).rows.tolist() == []
