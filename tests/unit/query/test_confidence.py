"""The model of confidence."""

from dataclasses import fields, replace

from services.query.domain.confidence.model import Features, features, shipped_model
from services.query.domain.extraction.extract import Extract, extract
from services.query.domain.retrieval.ranking import documents
from tests.unit.query.given import PLANS, SYNC

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
