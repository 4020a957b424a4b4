"""Follow-ups in the light of what was said."""

import pytest

from services.query.domain.passage import Found
from services.query.domain.question import Said
from services.query.domain.retrieval.follow_up import earlier_weight, in_context, leans, mixed
from tests.unit.query.given import a_passage


@pytest.mark.parametrize(
    "message",
    [
        "And for teams?",
        "How much does it cost in Europe per year?",
        "What about guests?",
        "Price?",
        "Can customers outside Europe buy this every year?",
    ],
)
def test_a_question_that_points_back_leans(message: str) -> None:
    """Pronouns, openings such as "and", and very short questions need what was said."""
    assert leans(message)


def test_a_whole_question_stands_alone() -> None:
    """It gives what was said before less weight."""
    message = "How can I export all notebooks of a closed account?"
    assert not leans(message)
    assert earlier_weight(message) < earlier_weight("And for teams?")


def test_the_context_is_the_users_last_two_turns() -> None:
    """Answers and older turns stay out."""
    history = [
        Said("user", "one"),
        Said("assistant", "answer"),
        Said("user", "two"),
        Said("agent", "human"),
        Said("user", "three"),
    ]
    assert in_context("four", history) == "two\nthree\nfour"
    assert in_context("four", [Said("assistant", "Hello!")]) == ""


def test_scores_are_mixed_by_weight() -> None:
    """A passage that one search lacks counts there as the last one of it."""
    alone = Found(
        (a_passage("a", document="doc_a", score=0.8), a_passage("b", document="doc_b", score=0.4)), 5
    )
    behind = Found(
        (a_passage("c", document="doc_c", score=1.0), a_passage("b", document="doc_b", score=0.6)), 6
    )
    found = mixed(alone, behind, 0.5)
    assert {each.document_id: round(each.score, 3) for each in found.passages} == {
        "doc_a": 0.7,
        "doc_b": 0.5,
        "doc_c": 0.7,
    }
    assert found.revision == 6
