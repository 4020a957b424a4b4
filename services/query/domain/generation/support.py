"""How near a sentence is to those of passages, by their vectors."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.query.domain.passage import Passage
from services.query.domain.ports import QuestionEmbedder

# Of sentences of passages: the same ones back many claims.
_REMEMBERED = 2_048


class EmbeddedSupport:
    """
    A `SentenceSupport`. Vectors are made when a claim needs them, and kept for the next one.

    Both sides are embedded here, so that it does not matter which model the index is of.
    """

    def __init__(self, embedder: QuestionEmbedder) -> None:
        self._vector = lru_cache(maxsize=_REMEMBERED)(embedder.embed_query)

    def best_cosine(self, text: str, passages: Sequence[Passage]) -> float:
        """Return the highest cosine of `text` to a sentence of the passages, -1 to 1."""
        vector: NDArray[np.float32] = self._vector(text)
        sentences = dict.fromkeys(
            passage.text[unit.start : unit.end] for passage in passages for unit in passage.quotable
        )
        return max((float(np.vdot(vector, self._vector(each))) for each in sentences), default=-1.0)
