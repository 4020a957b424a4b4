"""Follow-ups in the light of what was said."""

from dataclasses import replace

import pytest

from services.query.domain.passage import Found, Passage
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


def with_cosines(document: str, *cosines: float) -> Passage:
    """Return a passage whose sentences have these cosines."""
    return replace(
        a_passage("One. Two.", document=document, dense=cosines[0] if cosines else 0.5), cosines=cosines
    )


def test_cosines_are_mixed_like_scores() -> None:
    """Of what both found; of what one found, they are its own."""
    alone = Found((with_cosines("doc_a", 0.8, 0.4), with_cosines("doc_b", 0.3, 0.2)), 5)
    behind = Found((with_cosines("doc_a", 0.4, 0.8), with_cosines("doc_c", 0.7, 0.1)), 5)
    found = {each.document_id: each for each in mixed(alone, behind, 0.25).passages}
    assert found["doc_a"].cosines == pytest.approx((0.7, 0.5))
    assert found["doc_a"].dense == pytest.approx(0.7)
    assert found["doc_b"].cosines == (0.3, 0.2)
    assert found["doc_c"].cosines == (0.7, 0.1)


def test_cosines_that_do_not_fit_together_are_not_mixed() -> None:
    """As of two replicas, one of which cuts passages into other units: the later question's are taken."""
    alone, behind = with_cosines("doc_a", 0.8, 0.4), with_cosines("doc_a", 0.4)
    assert mixed(Found((alone,), 5), Found((behind,), 5), 0.5).passages[0].cosines == (0.8, 0.4)
    none = with_cosines("doc_a")
    assert mixed(Found((none,), 5), Found((alone,), 5), 0.5).passages[0].cosines == ()


def test_nothing_found_is_mixed_with_nothing() -> None:
    """One search that found nothing, counts as 0."""
    nothing, one = Found((), 5), Found((a_passage("a", score=0.8),), 6)
    assert mixed(nothing, nothing, 0.5) == nothing
    assert mixed(nothing, one, 0.5).passages[0].score == pytest.approx(0.4)
    assert mixed(one, nothing, 0.25).passages[0].score == pytest.approx(0.6)
    assert mixed(one, nothing, 0.25).revision == 6


def test_long_turns_are_cut() -> None:
    """What is searched for stays short, whatever was said before."""
    history = [Said("user", "x" * 8_000), Said("user", "y" * 8_000)]
    assert len(in_context("z" * 8_000, history)) == 2 * 400 + 8_000 + 2
