"""The port: text in, vectors out."""

from collections.abc import Sequence
from typing import NewType, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

ModelName = NewType("ModelName", str)
"""Names the space that vectors live in. Vectors of two names are never compared."""

Vector: TypeAlias = NDArray[np.float32]
"""One vector of length 1, shape `(dimensions,)`."""

Matrix: TypeAlias = NDArray[np.float32]
"""One vector of length 1 per row, shape `(n, dimensions)`."""

Span: TypeAlias = tuple[int, int]
"""Start (included) and end (excluded) in characters."""


class Embedder(Protocol):
    """
    Turns text into vectors of one model. Safe to share between threads.

    The vector of a text depends on the text and the model alone, not on what is embedded with it, so that
    what is embedded again is equal to what was embedded before.
    """

    @property
    def model(self) -> ModelName:
        """The space of the vectors."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of every vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that count; what lies beyond them has no influence on the vector."""
        ...

    def embed_query(self, text: str) -> Vector:
        """
        Return the vector of a question.

        Raises:
            Unavailable: the model could not be reached; safe to retry.
        """
        ...

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """
        Return the vectors of `texts`, in their order; `(0, dimensions)` for none.

        Raises:
            Unavailable: the model could not be reached; safe to retry.
        """
        ...

    def token_spans(self, text: str) -> list[Span]:
        """
        Return where each token of `text` stands, in order and without overlap.

        Exact for the bundled model, an estimate where the model's tokens are not known.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens: `len(token_spans(text))`."""
        ...
