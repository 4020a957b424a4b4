"""The model of confidence."""

import json
import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from services.query.domain.confidence import model as confidence
from services.query.domain.confidence.model import CustomMatch, Features, features, model_of, shipped_model
from services.query.domain.extraction.extract import Extract, extract
from services.query.domain.extraction.quote import Quote
from services.query.domain.retrieval.ranking import documents
from tests.unit.query.given import PLANS, SYNC, a_passage

RENEW = "When does the Pro plan renew?"


def test_the_shipped_model_fits_the_features() -> None:
    """It knows every feature, has a version, and thresholds in order."""
    model = shipped_model()
    assert set(model.trees.features) == {each.name for each in fields(Features)}
    assert model.version
    assert 0 < model.relevant < model.threshold < 1


def test_a_nearer_passage_is_surer() -> None:
    """The score rises with the cosine and stays a probability."""
    model = shipped_model()
    passages = [PLANS, SYNC]
    candidates = documents(passages, 4)
    seen = features(RENEW, passages, candidates, extract(RENEW, candidates, passages))
    near = replace(seen, dense=0.8, score=0.7, best_sentence=0.8, answer_cosine=0.8)
    far = replace(seen, dense=0.1, score=0.1, best_sentence=0.1, answer_cosine=0.1)
    assert 0 <= model.score(far) < model.score(near) <= 1


def test_features_tell_what_is_missing() -> None:
    """A word that no passage holds, and words that the best one holds."""
    passages = [PLANS, SYNC]
    candidates = documents(passages, 4)
    seen = features("renew zebra", passages, candidates, Extract([], 0.0, 0.0))
    assert seen.missing == 0.5
    assert 0 < seen.passage_coverage < 1


ONE = replace(
    a_passage("Alpha beta. Gamma.", document="doc_a", title="", score=0.8, dense=0.6, lexical=8.0),
    cosines=(0.3, 0.5),
)
TWO = replace(
    a_passage("Delta.", document="doc_b", title="", score=0.4, dense=0.2, lexical=2.0), cosines=(0.7,)
)


def test_features_by_hand() -> None:
    """Of two passages of three sentences; the first is quoted."""
    extract = Extract([Quote(ONE, 0, 11, (0,))], 0.75, 0.25)
    seen = features("alpha beta zebra", [ONE, TWO], documents([ONE, TWO], 4), extract)
    held, lacking = 0.3 + math.log(3 / 1.5), 0.3 + math.log(3 / 0.5)
    covered = 2 * held / (2 * held + lacking)
    expected = {
        "dense": 0.6,
        "score": 0.8,
        "score_margin": 0.4,
        "lexical_margin": 0.75,
        "dense_spread": 0.2,
        "score_spread": 0.2,
        "passage_coverage": covered,
        "answer_coverage": covered,
        "pairs": 0.5,
        "sentence_pairs": 0.5,
        "missing": 1 / 3,
        "length": 0.15,
        "support": 0.75,
        "doubt": 0.25,
        "best_sentence": 0.7,
        "answer_cosine": 0.3,
        "documents": 2 / 24,
    }
    assert seen.by_name() == pytest.approx(expected, abs=1e-6)


def test_features_of_what_is_quoted() -> None:
    """The nearest sentence of any quote, and the words of all of them."""
    asked = "beta gamma"
    first, second = Quote(ONE, 0, 11, (0,)), Quote(ONE, 12, 18, (12,))
    one, both = (
        features(asked, [ONE, TWO], documents([ONE, TWO], 4), Extract(quotes, 0.5, 0.0))
        for quotes in ([first], [first, second])
    )
    assert (one.answer_cosine, both.answer_cosine) == (0.3, 0.5)
    assert 0 < one.answer_coverage < both.answer_coverage == 1.0


@pytest.mark.parametrize("question", ["", "?", "x " * 4_000])
def test_features_of_the_least_there_can_be(question: str) -> None:
    """One passage that matches nothing, no words, no units: each feature is a number of 0 to 1."""
    page = a_passage("...", title="", score=0.0, dense=0.0, lexical=0.0)
    seen = features(question, [page], documents([page], 4), Extract([], 0.0, 0.0)).by_name()
    assert all(0 <= value <= 1 for value in seen.values()), seen
    assert seen["length"] == min(1.0, len(question.split()) / 20) or question == "?"


def test_the_second_best_by_words_is_of_another_document() -> None:
    """A document's own passages are no rivals; BM25 of 0 everywhere is no margin."""
    again = replace(ONE, chunk_id="again", lexical=7.0, score=0.7)
    seen = features("alpha", [ONE, again, TWO], documents([ONE, again, TWO], 4), Extract([], 0.0, 0.0))
    assert seen.lexical_margin == 0.75
    blank = [replace(each, lexical=0.0) for each in (ONE, TWO)]
    assert features("alpha", blank, documents(blank, 4), Extract([], 0.0, 0.0)).lexical_margin == 0.0
    behind = [ONE, replace(TWO, lexical=16.0)]
    assert features("alpha", behind, documents(behind, 4), Extract([], 0.0, 0.0)).lexical_margin == -0.5


def test_a_custom_match_is_a_logistic() -> None:
    """Of the cosine, with four digits."""
    match = CustomMatch(intercept=-4.0, weight=8.0, least=0.6)
    assert [match.score(cosine) for cosine in (0.5, 0.75, 1.0)] == [0.5, 0.8808, 0.982]


@pytest.mark.parametrize(
    "change", [{"trees": {}}, {"trees": {"features": ["colour"], "base": 0, "trees": []}}, {"custom": 7}]
)
def test_a_model_of_another_form_is_refused(change: dict[str, Any]) -> None:
    """When the process starts, not at the first question."""
    shipped = Path(str(confidence.__file__)).with_name("confidence.json")
    data = json.loads(shipped.read_text(encoding="utf-8"))
    assert model_of(data) == shipped_model()
    with pytest.raises(ValueError, match=r"trees|features|custom"):
        model_of({**data, **change})
