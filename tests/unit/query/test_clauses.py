"""Sentences cut where a clause ends."""

import pytest

from services.query.domain.extraction.clauses import clause_end


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("One thing, another thing, and a third.", 30, "One thing, another thing"),
        ("One thing, another thing, and a third.", 24, "One thing"),
        ("One thing; another: yes – no", 20, "One thing; another"),
        ("It costs 12,50 euros, or 1:30 hours", 24, "It costs 12,50 euros"),
        ("Members (and guests) export notes today", 12, "Members"),
        ("Members  (and guests) export notes", 22, "Members  (and guests)"),
        ("One,,, two", 8, "One"),
    ],
)
def test_the_last_clause_that_fits(text: str, most: int, kept: str) -> None:
    """It is as long as it may be, and what joins it to the next one is gone."""
    end = clause_end(text, 0, len(text), most)
    assert end is not None
    assert text[:end] == kept


@pytest.mark.parametrize("text", ["", "One thing and another", "A long beginning of a sentence, and more"])
def test_no_clause_that_fits(text: str) -> None:
    """None ends, or none early enough."""
    assert clause_end(text, 0, len(text), 20) is None


def test_only_the_span_counts() -> None:
    """What stands before and behind it, is not looked at."""
    text = "First, second thing, third thing, fourth."
    assert clause_end(text, 7, 27, 100) == text.index(", third")
    assert clause_end(text, 7, 18, 100) is None


def test_runs_of_signs_are_no_trap() -> None:
    """Thousands of signs and of blanks are one boundary or none."""
    signs, blanks = "," * 50_000 + "x", "x" + " " * 50_000 + "x"
    assert clause_end(signs, 0, len(signs), 60_000) is None
    assert clause_end(blanks, 0, len(blanks), 60_000) is None
