"""Nearest vectors: the port of dense indexes, and what they share."""

from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from services.vector_search.domain.vectors import FloatMatrix, Scores
from services.vector_search.index.rows import Mask, Rows, RowTable


class Allowed:
    """
    Which rows of a table may be found; dead ones never.

    Kept for as long as the table stays as it is, so that what many searches need is counted once.
    """

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.count = int(np.count_nonzero(mask))
        self._split: tuple[int, int, Rows] = (-1, 0, np.empty(0, dtype=np.intp))

    @cached_property
    def rows(self) -> Rows:
        """The rows, ascending."""
        return np.flatnonzero(self.mask)

    def split(self, border: int) -> tuple[int, Rows]:
        """Return how many rows lie before a border, and which from there on."""
        known, before, after = self._split
        if known != border:
            before = int(np.count_nonzero(self.mask[:border]))
            after = border + np.flatnonzero(self.mask[border:])
            self._split = (border, before, after)
        return before, after


class Candidates:
    """Rows and their scores, best first."""

    __slots__ = ("rows", "scores")

    def __init__(self, rows: Rows, scores: Scores) -> None:
        self.rows = rows
        self.scores = scores


class Leading(NamedTuple):
    """Slots and their cosines, best first."""

    slots: list[int]
    cosines: list[float]


class DenseIndex(Protocol):
    """Finds the rows of a table whose vectors are nearest to a question's."""

    @property
    def kind(self) -> str:
        """`exact` or `hnsw`."""

    @property
    def ef(self) -> int:
        """Search effort of a graph, 0 where there is none."""

    @property
    def recall(self) -> float:
        """Measured share of the true nearest ten, 0 where it was not measured yet."""

    def leading(
        self, table: RowTable, queries: FloatMatrix, limit: int, allowed: Allowed
    ) -> list[Leading] | None:
        """
        Return the same as `nearest`, by a shorter way; None where there is none at the moment.

        For most questions, as lists: with many callers on few processors each array operation on ten numbers
        costs several microseconds, and thirty of them as much as the search.
        """

    def nearest(
        self, table: RowTable, queries: FloatMatrix, limit: int, allowed: Allowed
    ) -> list[Candidates]:
        """
        Return, for each query, `limit` allowed rows by cosine, or all of them where there are fewer.

        What a query finds does not depend on the others. Changes nothing.
        """


def best(rows: Rows, scores: Scores, limit: int) -> Candidates:
    """Return the `limit` best; of equal ones those of the lower rows."""
    if len(rows) > 4 * limit:
        worst = -np.partition(-scores, limit - 1)[limit - 1]
        kept = np.flatnonzero(scores >= worst)
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))[:limit]
    return Candidates(rows[order], scores[order])
