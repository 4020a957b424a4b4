"""How many tokens a text costs, for models whose tokenizer is not known."""

import re
from math import ceil

# About as long as tokens are: six letters, three digits, one ideograph or one sign.
_IDEOGRAPHS = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_PIECE = re.compile(rf"[{_IDEOGRAPHS}]|[^\W\d_{_IDEOGRAPHS}]{{1,6}}|\d{{1,3}}|_+|[^\w\s]|\n+")
_BYTES = 4

MESSAGE_TOKENS = 8
"""What a message costs beside its text."""


def token_count(text: str) -> int:
    """Return an estimate that is seldom too low: English has about four bytes to a token, others fewer."""
    pieces = sum(1 for _ in _PIECE.finditer(text))
    return max(pieces, ceil(len(text.encode("utf-8", "replace")) / _BYTES))
