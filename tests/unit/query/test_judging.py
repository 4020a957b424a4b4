"""What is answered, and whether."""

from dataclasses import replace

import pytest

from services.query.domain.confidence.calibration import Measurement, Outcomes
from services.query.domain.confidence.calibrations import Calibrations
from services.query.domain.confidence.model import CustomMatch, Model, shipped_model
from services.query.domain.confidence.trees import Trees
from services.query.domain.judging import Judge, Judgement
from services.query.domain.passage import CUSTOM_ANSWER, Found, Passage
from services.query.domain.retrieval.retrieval import Retrieved
from services.query.domain.settings.answering import Answering
from tests.fakes.labelled_scores import FakeLabelledScores
from tests.unit.query.given import ACME, EXPORT, PLANS, SYNC, TEAMS, a_passage

RENEW = "When does the Pro plan renew?"
# e^0 / (1 + e^0): every answer scores .5, a custom one by its cosine.
MODEL = Model("v1", Trees((), 0.0, ()), CustomMatch(-4.0, 8.0, 0.6), threshold=0.2, relevant=0.1)
MEASURED = Measurement("v1", "four", Outcomes.of([(0.3, False), (0.45, True), (0.6, False), (0.8, True)]))


def custom(dense: float, *, document: str = "doc_custom", ordinal: int = 0, score: float = 0.4) -> Passage:
    """Return a custom answer whose question is so near to what was asked."""
    return a_passage(
        f" Ask Ada, number {ordinal}.\n",
        document=document,
        ordinal=ordinal,
        headings=("Who renews plans?",),
        dense=dense,
        score=score,
        kind=CUSTOM_ANSWER,
    )


def judged(
    *passages: Passage,
    model: Model = MODEL,
    answering: Answering = Answering(),  # noqa: B008, it is frozen
    max_sources: int = 4,
    min_confidence: float | None = None,
) -> Judgement:
    """Return what to answer from passages, best first."""
    calibrations = Calibrations(model, model.threshold, MEASURED, FakeLabelledScores())
    return Judge(model, calibrations).judge(
        RENEW,
        Retrieved(Found(passages, 7), RENEW),
        answering,
        calibrations.of(ACME.workspace_id),
        max_sources=max_sources,
        min_confidence=min_confidence,
    )


class TestCustomAnswers:
    """Answers that were written for a question."""

    def test_one_to_another_question_is_not_quoted(self) -> None:
        """Below the bound it is no source beside documents, however well it ranks."""
        found = judged(custom(0.5, score=0.9), PLANS, min_confidence=0)
        assert [each.document_id for each in found.draft.sources] == ["doc_plans"]
        alone = judged(custom(0.5), min_confidence=0)
        assert [each.document_id for each in alone.draft.sources] == ["doc_custom"]

    @pytest.mark.parametrize("asked", ["Who renews 2 plans?", "Who does not renew plans?"])
    def test_one_with_other_numbers_or_sense_is_another_question(self, asked: str) -> None:
        """However near its vector is."""
        other = replace(custom(0.95), heading_path=(asked,))
        assert judged(PLANS, other).answerer == "extractive"

    def test_one_that_matches_outranks_documents(self) -> None:
        """It is told verbatim, first among the sources; the documents follow."""
        found = judged(PLANS, custom(0.75), TEAMS)
        assert (found.answered, found.answerer, found.is_extract) == (True, "custom", False)
        assert found.draft.text == "Ask Ada, number 0. [1]"
        (citation,) = found.draft.citations
        assert found.draft.text[citation.start : citation.end] == "Ask Ada, number 0."
        assert [each.document_id for each in found.draft.sources] == ["doc_custom", "doc_plans", "doc_teams"]
        assert [each.document_id for each in found.passages] == ["doc_custom", "doc_plans", "doc_teams"]
        assert [each.index for each in found.draft.sources] == [1, 2, 3]
        assert found.confidence.score == pytest.approx(0.8808)

    def test_one_that_only_resembles_does_not(self) -> None:
        """Below the least cosine it is a passage like others."""
        assert judged(PLANS, custom(0.6)).answerer == "custom"
        assert judged(PLANS, custom(0.59)).answerer == "extractive"

    def test_the_nearest_of_several_wins(self) -> None:
        """Of one document or of several, whatever their scores; of equal ones always the same."""
        near = custom(0.9, document="doc_near", ordinal=3, score=0.1)
        passages = [custom(0.7, ordinal=1, score=0.9), near, PLANS, custom(0.8, ordinal=2, score=0.8)]
        assert judged(*passages).draft.text == "Ask Ada, number 3. [1]"
        equal = [custom(0.9, document=f"doc_{name}", ordinal=n) for n, name in enumerate("cab")]
        texts = {judged(*order).draft.text for order in (equal, equal[::-1], equal[1:] + equal[:1])}
        assert texts == {"Ask Ada, number 1. [1]"}

    def test_documents_that_rank_before_it_do_not_hide_it(self) -> None:
        """Also where they fill the sources, or say the same."""
        same = replace(custom(0.2, document="doc_same", score=0.9), kind="passage")
        for passages in ([PLANS, EXPORT, TEAMS, custom(0.9)], [same, custom(0.9)]):
            found = judged(*passages, max_sources=1)
            assert found.answerer == "custom"
            assert [each.document_id for each in found.draft.sources] == ["doc_custom"]

    def test_one_that_is_not_sure_enough_does_not(self) -> None:
        """The caller's bound holds for it as for all."""
        assert judged(PLANS, custom(0.75), min_confidence=0.88).answerer == "custom"
        assert judged(PLANS, custom(0.75), min_confidence=0.89).answerer == "extractive"


def test_an_extract_has_its_sources_in_order() -> None:
    """And its passages in the same, the quoted one of a document rather than its best."""
    first = a_passage(
        "Prices are fair.", document="doc_plans", title="Plans and prices", ordinal=9, score=0.51
    )
    found = judged(first, PLANS, TEAMS)
    assert found.is_extract
    assert [each.chunk_id for each in found.passages] == [each.chunk_id for each in found.draft.sources]
    assert "renews on the third day" in found.draft.text
    assert found.passages[0] is PLANS
    assert found.features is not None


@pytest.mark.parametrize("most", [1, 2, 4])
def test_there_are_no_more_sources_than_wanted(most: int) -> None:
    """Given or withheld."""
    for least in (0, 1):
        found = judged(PLANS, EXPORT, TEAMS, SYNC, max_sources=most, min_confidence=least)
        assert len(found.draft.sources) == len(found.passages) == most


@pytest.mark.parametrize(
    ("answering", "least", "answered"),
    [
        (Answering(), None, True),
        (Answering(), 0.5, True),
        (Answering(), 0.51, False),
        (Answering(min_confidence=0.51), None, False),
        (Answering(min_confidence=0.51), 0.0, True),
        (Answering(wanted_precision=0.5), None, True),
        (Answering(wanted_precision=0.9), None, False),
        (Answering(wanted_precision=0.9), 0.1, True),
    ],
)
def test_the_bound(answering: Answering, least: float | None, answered: bool) -> None:
    """The question's goes before the workspace's, which may be a precision; a score may equal it."""
    found = judged(PLANS, SYNC, answering=answering, min_confidence=least)
    assert (found.answered, found.confidence.score) == (answered, 0.5)


@pytest.mark.parametrize(
    ("relevant", "reason", "says"),
    [(0.5, "LOW_CONFIDENCE", "not sure enough"), (0.51, "NO_RELEVANT_SOURCE", "couldn't find an answer")],
)
def test_why_it_is_withheld(relevant: float, reason: str, says: str) -> None:
    """Doubt about something near, or nothing near; the nearest pages are named, and none is cited."""
    found = judged(PLANS, SYNC, model=replace(MODEL, relevant=relevant), min_confidence=0.6)
    assert found.reason == reason
    assert says in found.draft.text
    assert not found.draft.citations
    assert not found.is_extract
    assert len(found.draft.sources) == 2


@pytest.mark.parametrize("passages", [(), (a_passage(" \n"),)])
def test_nothing_to_quote_is_no_answer(passages: tuple[Passage, ...]) -> None:
    """Whatever the bound: nothing was found, or nothing that has words."""
    found = judged(*passages, min_confidence=0)
    assert (found.answered, found.reason) == (False, "NO_RELEVANT_SOURCE")
    assert (found.confidence.score, found.confidence.level) == (0.0, "low")
    assert len(found.draft.sources) == len(passages)
    assert ("came nearest" in found.draft.text) == bool(passages)
    assert found.features is None


@pytest.mark.parametrize(
    ("medium", "high", "level"), [(0.51, 0.9, "low"), (0.5, 0.9, "medium"), (0.1, 0.5, "high")]
)
def test_the_level_is_the_workspaces(medium: float, high: float, level: str) -> None:
    """By its bounds, which a score of the bound reaches."""
    found = judged(PLANS, answering=Answering(medium_from=medium, high_from=high))
    assert found.confidence.level == level


def test_an_answer_is_as_long_as_the_workspace_wants() -> None:
    """Its settings are the extract's limit."""
    page = a_passage("The Pro plan renews each month, " + "and again, " * 60 + "for ever.")
    short, long = (
        judged(page, answering=Answering(answer_characters=each)).draft.text for each in (100, 300)
    )
    assert len(short) <= 100 < len(long) <= 300


def test_the_shipped_model_has_a_custom_match() -> None:
    """The same words match, others do not."""
    match = shipped_model().custom
    assert match.score(1.0) > 0.9
    assert 0.3 < match.least < 1
    assert match.score(match.least) > match.score(0.0)
