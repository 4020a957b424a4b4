"""An embedder that needs no model: texts that share words have similar vectors."""

import re
from collections.abc import Sequence
from zlib import crc32

import numpy as np

from services.embedding.domain.embedder import Matrix, ModelName, Span, Vector

_WORD = re.compile(r"\w+|[^\w\s]")


class FakeEmbedder:
    """
    A hashed bag of words: the same in every process and on every machine.

    A word is one token. The cosine of two texts is the share of words they have in common, and
    words are told apart by case-folding alone. `embedded` records the passages, for tests that ask
    whether something was embedded again.
    """

    def __init__(
        self, *, model: str = "fake-bag-of-words", dimensions: int = 384, max_tokens: int = 256
    ) -> None:
        self.model = ModelName(model)
        self.dimensions = dimensions
        self.max_tokens = max_tokens
        self.embedded: list[str] = []

    def embed_query(self, text: str) -> Vector:
        """Return the unit vector of the words of `text`."""
        return self._embed(text)

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Return a unit vector per text."""
        self.embedded.extend(texts)
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        return np.stack([self._embed(text) for text in texts])

    def token_spans(self, text: str) -> list[Span]:
        """Return the span of every word and of every sign of punctuation."""
        return [match.span() for match in _WORD.finditer(text)]

    def count_tokens(self, text: str) -> int:
        """Return the number of words and signs of punctuation."""
        return len(self.token_spans(text))

    def _embed(self, text: str) -> Vector:
        vector = np.zeros(self.dimensions, dtype=np.float32)
        for start, end in self.token_spans(text)[: self.max_tokens]:
            digest = crc32(text[start:end].casefold().encode("utf-8", "surrogatepass"))
            vector[digest % self.dimensions] += 1.0 if digest & (1 << 31) else -1.0
        length = float(np.linalg.norm(vector))
        if length == 0.0:
            vector[0] = 1.0
            return vector
        return vector / np.float32(length)
