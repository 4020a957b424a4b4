"""Tokens of a model whose tokenizer is not known."""

import re

from services.embedding.domain.embedder import Span

_IDEOGRAPHS = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_PIECE = re.compile(rf"[{_IDEOGRAPHS}]|[^\W\d_{_IDEOGRAPHS}]{{1,6}}|\d{{1,3}}|_+|[^\w\s]")


def estimate_spans(text: str) -> list[Span]:
    """Return pieces about as long as tokens: six letters, three digits, one ideograph or one sign."""
    return [match.span() for match in _PIECE.finditer(text)]
