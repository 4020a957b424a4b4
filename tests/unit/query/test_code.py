"""Pieces of code apart from their fences."""

import pytest

from services.query.domain.extraction.code import within_fences


@pytest.mark.parametrize(
    ("code", "within"),
    [
        ("```sh\none\ntwo\n```", "one\ntwo"),
        ("  ~~~\none\n\n  ~~~", "one"),
        ("```\none\ntwo", "one\ntwo"),
        ("one\ntwo", "one\ntwo"),
        ("one ``` two", "one ``` two"),
        ("```\n\n```", "```\n\n```"),
        ("```one", "```one"),
    ],
)
def test_lines_between_fences(code: str, within: str) -> None:
    """Both fences go, one that is missing is not missed; what has no lines between them stays whole."""
    text = f"Before.\n\n{code}\n\nAfter."
    start, end = within_fences(text, 9, 9 + len(code))
    assert text[start:end] == within
    assert 9 <= start <= end <= 9 + len(code)
