"""The model of confidence."""

from dataclasses import fields, replace

import pytest

from services.query.domain.answer import Confidence
from services.query.domain.confidence import Features, features, shipped_model
from services.query.domain.extract import quotes
from services.query.domain.ranking import documents
from tests.unit.query.given import PLANS, SYNC


@pytest.mark.parametrize(
    ("score", "level"),
    [(0.0, "low"), (0.3999, "low"), (0.4, "medium"), (0.6999, "medium"), (0.7, "high"), (1.0, "high")],
)
def test_levels_have_fixed_bounds(score: float, level: str) -> None:
    """Low below .4, high from .7."""
    assert Confidence(score).level == level


def test_the_shipped_model_fits_the_features() -> None:
    """It has one weight per feature, a version, and thresholds in order."""
    model = shipped_model()
    assert set(model.weights) == {each.name for each in fields(Features)}
    assert model.version
    assert 0 < model.relevant < model.threshold < 1


def test_a_nearer_passage_is_surer() -> None:
    """The score rises with the cosine and stays a probability."""
    model = shipped_model()
    passages = [PLANS, SYNC]
    candidates = documents(passages, 4)
    quoted = quotes("When does the Pro plan renew?", candidates, passages)
    seen = features("When does the Pro plan renew?", passages, candidates, quoted)
    near, far = replace(seen, dense=0.9), replace(seen, dense=0.1)
    assert 0 <= model.score(far) < model.score(near) <= 1


def test_features_tell_what_is_missing() -> None:
    """A word that no passage holds, and words that the best one holds."""
    passages = [PLANS, SYNC]
    candidates = documents(passages, 4)
    seen = features("renew zebra", passages, candidates, [])
    assert seen.missing == 0.5
    assert 0 < seen.passage_coverage < 1
