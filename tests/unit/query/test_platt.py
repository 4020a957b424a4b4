"""Scores fitted to a workspace's own questions."""

import numpy as np
import pytest

from services.query.domain.confidence.calibration import Outcomes
from services.query.domain.confidence.platt import PlattScaling, cross_fitted, refitted


def drawn(questions: int, slope: float, intercept: float) -> Outcomes:
    """Return outcomes whose chances are what this scaling makes of their scores."""
    random = np.random.default_rng(3)
    scores = random.uniform(0.02, 0.98, questions)
    rights = random.uniform(0, 1, questions) < PlattScaling(slope, intercept).of(scores)
    return Outcomes.of(zip(scores.tolist(), rights.tolist(), strict=True))


def test_the_scaling_that_made_the_outcomes_is_found() -> None:
    """Scores that boast come down to what is true."""
    scaling = refitted(drawn(20_000, 0.5, -1.0))
    assert scaling is not None
    assert scaling.slope == pytest.approx(0.5, abs=0.05)
    assert scaling.intercept == pytest.approx(-1.0, abs=0.05)
    assert scaling(0.5) == pytest.approx(0.27, abs=0.02)


def test_a_scaling_keeps_the_order() -> None:
    """It is monotone, stays between 0 and 1, and takes 0 and 1."""
    scaled = PlattScaling(0.7, 0.3).of(np.linspace(0, 1, 101))
    assert np.all(np.diff(scaled) >= 0)
    assert 0 < scaled[0] < scaled[-1] < 1
    assert PlattScaling(1, 0)(0.37) == pytest.approx(0.37)


def test_scaled_outcomes_err_less() -> None:
    """Each by a fit that has not seen it, and none is lost."""
    boasting = drawn(3_000, 0.5, -1.5)
    scaled = cross_fitted(boasting)
    assert boasting.ece > 0.2
    assert scaled.ece < 0.05
    assert len(scaled) == 3_000
    assert scaled.rights.sum() == boasting.rights.sum()


@pytest.mark.parametrize(("right", "wrong"), [(100, 99), (250, 9), (9, 250), (300, 0), (0, 0)])
def test_too_few_questions_fit_nothing(right: int, wrong: int) -> None:
    """200 are needed, and 10 of each kind."""
    pairs = [(0.5 + index / 1_000, True) for index in range(right)] + [(0.3, False)] * wrong
    assert refitted(Outcomes.of(pairs)) is None


def test_enough_questions_fit() -> None:
    """The least that is needed is enough, also where the score tells everything."""
    scaling = refitted(Outcomes.of([(0.8, True)] * 190 + [(0.2, False)] * 10))
    assert scaling is not None
    assert scaling(0.8) > 0.9 > 0.3 > scaling(0.2)


def test_scores_that_mislead_fit_nothing() -> None:
    """A falling map would turn the best answers into the worst."""
    assert refitted(Outcomes.of([(0.2, True)] * 150 + [(0.8, False)] * 150)) is None
