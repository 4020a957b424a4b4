"""How an answer came about, told on request."""

from dataclasses import replace

from services.query.domain.question import Question
from tests.unit.query.given import ACME, LEAST, World

RENEW = Question(message="When does the Pro plan renew?")


def test_an_explanation_comes_only_when_asked_for() -> None:
    """It tells what was searched for, what was found, by what it was judged and how long it took."""
    world = World()
    plain = world.asking.answer(ACME, replace(RENEW, store=False))
    told = world.asking.answer(ACME, replace(RENEW, store=False, explain=True))
    assert plain.explanation is None
    assert replace(told, explanation=None) == plain
    explanation = told.explanation
    assert explanation is not None
    assert explanation.question == RENEW.message
    assert explanation.passages[0].document_id == "doc_plans"
    assert len(explanation.passages) == 4
    assert set(explanation.features) == set(world.model.trees.features)
    assert explanation.thresholds.min_confidence == LEAST
    assert explanation.thresholds.model == world.model.version
    assert set(explanation.milliseconds) == {"history", "embed", "search", "rank", "answer", "whole"}
    assert explanation.fallback == ""


def test_an_explanation_names_the_passages_that_are_quoted() -> None:
    """Sources that lend nothing are not used; where nothing is answered, none is."""
    world = World()
    for least, used in ((0, {"doc_plans"}), (1, set())):
        answer = world.asking.answer(ACME, replace(RENEW, explain=True, min_confidence=least))
        assert answer.explanation is not None
        assert len(answer.sources) == 4
        assert {each.document_id for each in answer.explanation.passages if each.used} == used
