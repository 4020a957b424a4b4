"""Tokens where the tokenizer is not known."""

import pytest

from services.embedding.domain.token_estimate import estimate_spans


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Reset it.", ["Reset", "it", "."]),
        ("unbelievable", ["unbeli", "evable"]),
        ("2026-10", ["202", "6", "-", "10"]),
        ("中文abc", ["中", "文", "abc"]),
        ("snake_case", ["snake", "_", "case"]),
        (" \n", []),
    ],
)
def test_pieces(text: str, pieces: list[str]) -> None:
    """Words, numbers and ideographs are split about as finely as models do."""
    assert [text[start:end] for start, end in estimate_spans(text)] == pieces
