"""Nearest vectors: the port of dense indexes, and what they share."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from services.vector_search.domain.vectors import FloatVector, Scores
from services.vector_search.index.rows import Mask, Rows, RowTable


@dataclass(frozen=True)
class Allowed:
    """Which rows of a table may be found; dead ones never."""

    mask: Mask
    count: int

    @classmethod
    def of(cls, mask: Mask) -> "Allowed":
        """Count a mask."""
        return cls(mask, int(np.count_nonzero(mask)))


@dataclass(frozen=True)
class Candidates:
    """Rows and their scores, best first."""

    rows: Rows
    scores: Scores


class DenseIndex(Protocol):
    """Finds the rows of a table whose vectors are nearest to a question's."""

    @property
    def kind(self) -> str:
        """`exact` or `hnsw`."""

    def nearest(self, table: RowTable, query: FloatVector, limit: int, allowed: Allowed) -> Candidates:
        """Return `limit` allowed rows by cosine, or all of them where there are fewer. Changes nothing."""


def best(rows: Rows, scores: Scores, limit: int) -> Candidates:
    """Return the `limit` best; of equal ones those of the lower rows."""
    if len(rows) > limit:
        worst = -np.partition(-scores, limit - 1)[limit - 1]
        kept = np.flatnonzero(scores >= worst)
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))[:limit]
    return Candidates(rows[order], scores[order])
