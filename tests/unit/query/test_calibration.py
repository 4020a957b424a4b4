"""What outcomes say of scores."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from services.query.domain.confidence.calibration import (
    BINS,
    CURVE_POINTS,
    Interval,
    Outcomes,
    shipped_measurement,
)
from services.query.domain.confidence.model import shipped_model


def drawn(questions: int, seed: int = 1, *, honest: bool = True) -> Outcomes:
    """Return outcomes of scores that are honest probabilities, or of such that always say .9."""
    random = np.random.default_rng(seed)
    chances = random.uniform(0, 1, questions).round(4)
    rights = random.uniform(0, 1, questions) < chances
    scores = chances if honest else np.full(questions, 0.9)
    return Outcomes.of(zip(scores.tolist(), rights.tolist(), strict=True))


# What scores .5 and more is right, but for one.
TEN = Outcomes.of(
    (score, score >= 0.5 and score != 0.7) for score in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9)
)


def test_bins_have_equal_mass() -> None:
    """All questions are in them, in the order of their scores, give or take one in each."""
    bins = drawn(1_000).reliability
    assert len(bins) == BINS
    assert {each.questions for each in bins} == {66, 67}
    assert sum(each.questions for each in bins) == 1_000
    for one, next_ in pairwise(bins):
        assert one.score_from <= one.mean_score <= one.score_to <= next_.score_from


def test_the_error_of_a_known_case() -> None:
    """Half of them right at .9: the error is .4; in two bins, by their mass."""
    assert Outcomes.of([(0.9, index % 2 == 0) for index in range(3_000)]).ece == pytest.approx(0.4)
    one_bin_each = Outcomes.of([(0.2, True), (0.6, True), (1.0, False)])
    assert one_bin_each.ece == pytest.approx((0.8 + 0.4 + 1.0) / 3)


def test_the_error_is_the_reliability_tables() -> None:
    """It can be computed again from what is shown."""
    outcomes = drawn(777)
    again = sum(abs(each.mean_score - each.right) * each.questions for each in outcomes.reliability) / 777
    assert outcomes.ece == pytest.approx(again)


def test_honest_scores_err_little_and_boasting_ones_much() -> None:
    """The interval tells the two apart, and is the same each time."""
    honest, boasting = drawn(3_000), drawn(3_000, honest=False)
    assert honest.ece_interval.high < 0.05
    assert boasting.ece_interval.low > 0.3
    assert boasting.ece_interval.low < boasting.ece < boasting.ece_interval.high
    assert drawn(3_000).ece_interval == honest.ece_interval


def test_more_questions_make_a_narrower_interval() -> None:
    """It is about the sampling of questions."""
    few, many = (drawn(questions, honest=False).ece_interval for questions in (100, 10_000))
    assert many.high - many.low < (few.high - few.low) / 5


def test_the_curve_of_a_known_case() -> None:
    """Each point is what the threshold of that score would do; ties go together."""
    points = [(each.min_confidence, each.coverage, round(each.risk, 3)) for each in TEN.risk_coverage]
    assert points[:4] == [(0.9, 0.2, 0), (0.8, 0.3, 0), (0.7, 0.4, 0.25), (0.6, 0.5, 0.2)]
    assert points[-1] == (0.1, 1.0, 0.5)


def test_the_curve_is_short_and_goes_to_the_end() -> None:
    """At most 100 points, from the strictest threshold to everything answered."""
    points = drawn(5_000).risk_coverage
    assert CURVE_POINTS - 2 <= len(points) <= CURVE_POINTS
    coverage = [each.coverage for each in points]
    assert coverage == sorted(set(coverage))
    assert coverage[-1] == 1
    assert len(drawn(5_000, honest=False).risk_coverage) == 1


@pytest.mark.parametrize(
    ("precision", "threshold"), [(0.5, 0.1), (0.51, 0.2), (0.8, 0.5), (0.83, 0.5), (0.84, 0.8), (1, 0.8)]
)
def test_the_threshold_of_a_precision(precision: float, threshold: float) -> None:
    """It is the lowest one that reaches it, also where a higher one does not: .8 at .5, but not at .7."""
    assert TEN.threshold_for(precision) == threshold


def test_a_share_that_is_met_exactly_is_met() -> None:
    """Floating point takes nothing away."""
    outcomes = Outcomes.of([(0.5, index < 14) for index in range(25)])
    assert outcomes.threshold_for(0.56) == 0.5


def test_a_precision_out_of_reach_answers_nothing() -> None:
    """So does having no questions at all."""
    assert Outcomes.of([(0.4, False), (0.9, False)]).threshold_for(0.5) == 1
    assert Outcomes.of([]).threshold_for(0.5) == 1


def test_no_questions_have_no_figures() -> None:
    """Everything is empty or 0."""
    none = Outcomes.of([])
    assert (none.reliability, none.risk_coverage, none.ece, len(none)) == ((), (), 0, 0)
    assert none.ece_interval == Interval(0, 0)


def test_the_order_of_the_pairs_does_not_matter_without_ties() -> None:
    """The figures depend on the questions alone."""
    pairs = [(index / 1_000, index % 3 == 0) for index in range(1_000)]
    assert Outcomes.of(pairs).ece_interval == Outcomes.of(pairs[::-1]).ece_interval


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_that_is_no_probability_is_refused(score: float) -> None:
    """It would be in no bin."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        Outcomes.of([(score, True)])


def test_a_file_is_read(tmp_path: Path) -> None:
    """Model, description and pairs."""
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"model": "v7", "measured_on": "two", "pairs": [[0.9, 1], [0.1, 0]]}))
    measurement = shipped_measurement(path)
    assert (measurement.model, measurement.measured_on) == ("v7", "two")
    assert measurement.outcomes.scores.tolist() == [0.1, 0.9]
    assert measurement.outcomes.rights.tolist() == [0, 1]


def test_a_file_with_other_outcomes_is_refused(tmp_path: Path) -> None:
    """Neither right nor wrong is neither."""
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"model": "v7", "measured_on": "one", "pairs": [[0.9, 0.5]]}))
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        shipped_measurement(path)


def test_what_is_shipped_was_measured_on_the_shipped_model() -> None:
    """Figures of another model would be no promise."""
    shipped = shipped_measurement()
    assert not len(shipped.outcomes) or shipped.model == shipped_model().version
