"""Dense search by comparing with every vector: the way of small collections and of selective filters."""

import numpy as np

from services.vector_search.domain.vectors import FloatVector
from services.vector_search.index.dense import Allowed, Candidates, best
from services.vector_search.index.rows import RowTable

# Copying rows together costs about four times scoring them in place.
_WORTH_GATHERING = 0.25


class ExactIndex:
    """Holds nothing: the table has the vectors."""

    kind = "exact"

    def nearest(self, table: RowTable, query: FloatVector, limit: int, allowed: Allowed) -> Candidates:
        """Return the true nearest rows."""
        rows = np.flatnonzero(allowed.mask)
        if allowed.count <= _WORTH_GATHERING * table.size:
            return best(rows, table.cosines(query, rows), limit)
        scores = table.all_cosines(query)
        return best(rows, scores if len(rows) == table.size else scores[rows], limit)
