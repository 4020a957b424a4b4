"""A sample of the questions that a collection was asked, to measure its graph with."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from services.vector_search.domain.search import SearchQuery
from services.vector_search.domain.vectors import FloatMatrix, FloatVector

# Vectors that are kept.
_KEPT = 512
# Of the questions after the first ones every so many-th is kept, so that a busy minute does not push out all
# that was asked before it.
_EVERY = 16
# Fewer distinct ones say little.
_ENOUGH = 256
# After a sample was taken there is news when so many times as many were asked.
_AGAIN = 16


class AskedQuestions:
    """
    Vectors of questions, the latest ones, in memory alone; neither their texts nor who asked.

    Many threads note without a lock: what they lose at worst is a count.
    """

    def __init__(self) -> None:
        self._count = 0
        self._news_at = _ENOUGH
        self._vectors: deque[FloatVector] = deque(maxlen=_KEPT)

    @property
    def memory_bytes(self) -> int:
        """What the vectors take."""
        return len(self._vectors) * self._vectors[0].nbytes if self._vectors else 0

    def note(self, queries: Sequence[SearchQuery]) -> None:
        """Perhaps keep the vectors of questions. Cheap: every search comes by."""
        for each in queries:
            if each.vector is None:
                continue
            self._count += 1
            if self._count <= _KEPT or not self._count % _EVERY:
                self._vectors.append(each.vector)

    @property
    def news(self) -> bool:
        """Whether so many were asked since the last sample that another is worth measuring with."""
        return self._count >= self._news_at

    def sample(self) -> FloatMatrix | None:
        """Return the distinct ones, shape (n, dimensions), in no order of time; None: too few yet."""
        if len(self._vectors) < _ENOUGH:
            return None
        self._news_at = _AGAIN * self._count
        distinct: FloatMatrix = np.unique(np.stack(list(self._vectors)), axis=0)
        return distinct if len(distinct) >= _ENOUGH else None
