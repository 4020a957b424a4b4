"""Dense search by comparing with every vector: the way of small collections and of selective filters."""

from services.vector_search.domain.vectors import FloatMatrix
from services.vector_search.index.dense import Allowed, Candidates, Leading, best
from services.vector_search.index.rows import RowTable

# Copying rows together costs about four times scoring them in place.
_WORTH_GATHERING = 0.25


class ExactIndex:
    """Holds nothing: the table has the vectors."""

    kind = "exact"
    ef = 0
    recall = 1.0

    def leading(
        self, table: RowTable, queries: FloatMatrix, limit: int, allowed: Allowed
    ) -> list[Leading] | None:
        """There is none."""
        return None

    def nearest(
        self, table: RowTable, queries: FloatMatrix, limit: int, allowed: Allowed
    ) -> list[Candidates]:
        """Return the true nearest rows."""
        rows = allowed.rows
        if allowed.count <= _WORTH_GATHERING * table.size:
            return [best(rows, table.cosines(query, rows), limit) for query in queries]
        every = (table.all_cosines(query) for query in queries)
        return [best(rows, scores[rows] if len(rows) < table.size else scores, limit) for scores in every]
