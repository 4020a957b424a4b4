"""BM25 in memory."""

import numpy as np
import pytest

from services.vector_search.index.lexical import LexicalIndex, LexicalView, Question

NONE = np.empty(0, dtype=np.int64)
TEXTS = {
    1: "Resetting your password",
    2: "Invoices and refunds",
    3: "The password of the router; a router has a password of its own",
    4: "Nothing of note",
}


@pytest.fixture
def index() -> LexicalIndex:
    """Return an empty index."""
    return LexicalIndex()


def ask(view: LexicalView, text: str, limit: int = 10) -> list[int]:
    """Return the slots that a question finds."""
    question = Question.of(text)
    return [] if question is None else view.best(question, limit).slots.tolist()


def test_finds_by_stem(index: LexicalIndex) -> None:
    """Other forms of a word count as the word."""
    view = index.update(NONE, TEXTS.items())
    assert ask(view, "reset passwords") == [1, 3]
    assert ask(view, "refund") == [2]


@pytest.mark.parametrize("text", ["the of and", "", "?!", "   "])
def test_stop_words_are_no_question(text: str) -> None:
    """Words that every text has find nothing."""
    assert Question.of(text) is None


@pytest.mark.parametrize(
    "text", ['"password', "password AND (", "words:password", "slot:1 password", "password~2^-1"]
)
def test_query_syntax_is_just_words(index: LexicalIndex, text: str) -> None:
    """What a query language would read as an operator is text."""
    assert set(ask(index.update(NONE, TEXTS.items()), text)) == {1, 3}


def test_updates_leave_an_older_view_alone(index: LexicalIndex) -> None:
    """A search goes on with the view that it took."""
    before = index.update(NONE, TEXTS.items())
    after = index.update(np.array([1]), [(5, "a new password")])
    assert set(ask(before, "password")) == {1, 3}
    assert set(ask(after, "password")) == {3, 5}


def test_a_slot_can_be_replaced(index: LexicalIndex) -> None:
    """In one update a slot's words go and new ones come."""
    index.update(NONE, TEXTS.items())
    view = index.update(np.array([2]), [(2, "exports")])
    assert ask(view, "refund") == []
    assert ask(view, "export") == [2]


def test_scores_of_some_equal_scores_among_all(index: LexicalIndex) -> None:
    """Restricting a question to some slots does not change their scores."""
    view = index.update(NONE, TEXTS.items())
    question = Question.of("password router")
    assert question is not None
    among_all = view.best(question, 10)
    some = view.best_of(question, np.array([1, 4]), 10)
    assert some.slots.tolist() == [1]
    assert some.scores[0] == pytest.approx(among_all.scores[among_all.slots.tolist().index(1)])


def test_counts_what_still_weighs_on_the_statistics(index: LexicalIndex) -> None:
    """Deletions are counted until the index is built anew."""
    index.update(NONE, TEXTS.items())
    index.update(np.array([1, 2]), [])
    assert index.dead == 2


def test_very_long_questions_are_answered(index: LexicalIndex) -> None:
    """A question of thousands of words is cut, not refused."""
    view = index.update(NONE, TEXTS.items())
    assert 2 in ask(view, "refund " + " ".join(f"word{n}" for n in range(5000)))
