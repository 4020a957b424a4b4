"""The rules of a question."""

import math

import pytest

from services.kernel.errors import InvalidArgument
from services.query.domain.question import Dialogue, Filters, Lookup, Question, Said


def pointers(question: Dialogue) -> list[str]:
    """Return the pointers of all violations."""
    with pytest.raises(InvalidArgument) as raised:
        question.check()
    return [each.pointer for each in raised.value.violations]


@pytest.mark.parametrize("message", ["a", "ß" * 8000, "𝄞" * 8000, "\0?", "   what   "])
def test_a_message_of_1_to_8000_characters_is_fine(message: str) -> None:
    """Characters are code points, whatever their size in bytes."""
    Question(message=message).check()


@pytest.mark.parametrize("message", ["", " \n\t ", "\u200b", "\0"])
def test_a_message_without_a_visible_character_is_refused(message: str) -> None:
    """Blank is blank, with whatever it is filled."""
    assert pointers(Question(message=message)) == ["/message"]


def test_8001_characters_are_refused() -> None:
    """One more than the limit is too many."""
    assert pointers(Question(message="a" * 8001)) == ["/message"]


def test_all_violations_are_listed_at_once() -> None:
    """Each broken rule has its pointer."""
    question = Question(
        message="",
        conversation_id="conv_1",
        history=(Said("system", "x"), Said("user", ""), Said("user", "a" * 8001)),
        filters=Filters(tags=("", *["t"] * 50), locale="x" * 36, document_ids=("d",) * 201),
        max_sources=11,
        min_confidence=math.nan,
        channel="c" * 33,
        metadata={"": "x", "a/b~c": "v" * 513, **{str(n): "" for n in range(15)}},
    )
    assert pointers(question) == [
        "/message",
        "/history",
        "/history/0/role",
        "/history/1/content",
        "/history/2/content",
        "/filters/tags",
        "/filters/tags/0",
        "/filters/locale",
        "/filters/document_ids",
        "/max_sources",
        "/min_confidence",
        "/channel",
        "/metadata",
        "/metadata/",
        "/metadata/a~1b~0c",
    ]


@pytest.mark.parametrize("least", [-0.1, 1.1, math.inf])
def test_min_confidence_lies_between_0_and_1(least: float) -> None:
    """Nothing else can be compared with a probability."""
    assert pointers(Question(message="a", min_confidence=least)) == ["/min_confidence"]


def test_the_limits_themselves_are_allowed() -> None:
    """Each limit is inclusive."""
    Question(
        message="a",
        history=(Said("assistant", "a" * 8000),) * 40,
        filters=Filters(tags=("t" * 64,) * 50, locale="l" * 35, document_ids=("d" * 64,) * 200),
        max_sources=10,
        min_confidence=1.0,
        channel="c" * 32,
        metadata={f"{n:064}": "v" * 512 for n in range(16)},
    ).check()


@pytest.mark.parametrize("most", [0, 51, -1])
def test_a_look_up_wants_1_to_50_results(most: int) -> None:
    """Beyond that it is refused."""
    assert pointers(Lookup(message="a", max_results=most)) == ["/max_results"]


def test_history_has_at_most_40_entries() -> None:
    """The 41st is one too many."""
    assert pointers(Lookup(message="a", history=(Said("user", "x"),) * 41)) == ["/history"]


def test_a_user_token_is_never_shown() -> None:
    """It stays out of every text; whose it is is not for the question to say."""
    question = Question(message="a", user_token="very-secret")
    question.check()
    assert "very-secret" not in repr(question)
