"""The tokens of the bundled model."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from services.embedding.domain.embedder import Span
from services.embedding.domain.surrogates import without_surrogates


class Tokens:
    """Splits text into the model's word pieces. Safe to share between threads."""

    def __init__(self, path: Path, max_tokens: int) -> None:
        """Read `tokenizer.json`; ids are given for the first `max_tokens` tokens of a text."""
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._max_tokens = max_tokens
        self._start = self._tokenizer.token_to_id("[CLS]")
        self._end = self._tokenizer.token_to_id("[SEP]")

    def ids(self, text: str) -> NDArray[np.int64]:
        """Return the input of the model, shape `(1, tokens)`: what is beyond the limit is cut off."""
        ids = self._encode(text).ids[: self._max_tokens]
        return np.array([[self._start, *ids, self._end]], dtype=np.int64)

    def spans(self, text: str) -> list[Span]:
        """Return the span of every token of the whole text."""
        return [(start, end) for start, end in self._encode(text).offsets if start < end]

    def _encode(self, text: str) -> Encoding:
        return self._tokenizer.encode(without_surrogates(text), add_special_tokens=False)
