"""Figures with values worked out by hand."""

import math

import numpy as np
import pytest

from tests.eval.metrics import (
    auroc,
    calibration_error,
    coverage_at,
    hit,
    interval,
    mean_interval,
    ndcg,
    recall,
    reliability,
    risk_coverage,
)


def test_ndcg_discounts_by_place() -> None:
    """The gain at place 2 counts 1/log2(3) of the one at place 1; the ideal has all gold ones first."""
    assert ndcg(["a", "b", "c"], {"b": 1.0}) == pytest.approx(1 / math.log2(3))
    ideal = 1 + 1 / math.log2(3)
    assert ndcg(["a", "x", "b"], {"a": 1.0, "b": 1.0}) == pytest.approx((1 + 0.5) / ideal)
    assert ndcg(["b", "a"], {"a": 1.0, "b": 2.0}) == pytest.approx(1.0)
    assert ndcg(["a", "b"], {"a": 1.0, "b": 2.0}) == pytest.approx(
        (1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3))
    )


def test_ndcg_sees_ten_places() -> None:
    """What stands at place 11 counts for nothing; more than ten gold ones are not wanted."""
    places = [f"x{number}" for number in range(10)]
    assert ndcg([*places, "a"], {"a": 1.0}) == 0
    assert ndcg(places, {f"x{number}": 1.0 for number in range(20)}) == pytest.approx(1.0)
    assert ndcg([], {"a": 1.0}) == 0
    assert ndcg(["a"], {}) == 0


def test_recall_and_hit() -> None:
    """Recall is of the gold ones, a hit is of the first place."""
    assert recall(["a", "x", "b"], {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}) == 0.5
    assert recall(["x"] * 10 + ["a"], {"a": 1.0}) == 0
    assert hit(["a", "b"], {"a": 1.0}) == 1
    assert hit(["b", "a"], {"a": 1.0}) == 0
    assert hit([], {"a": 1.0}) == 0


def test_auroc_counts_pairs() -> None:
    """Of the four pairs, three are in order; an equal pair counts half; one kind alone has none."""
    assert auroc([0.9, 0.4, 0.5, 0.1], [True, True, False, False]) == 0.75
    assert auroc([0.5, 0.5], [True, False]) == 0.5
    assert auroc([0.9, 0.5, 0.5, 0.1], [True, True, False, False]) == 0.875
    assert math.isnan(auroc([0.1, 0.2], [True, True]))


def test_bins_have_equal_mass() -> None:
    """Seven scores in three bins are three, two and two of them, lowest first."""
    scores = [0.7, 0.1, 0.3, 0.2, 0.5, 0.4, 0.6]
    right = [1, 0, 0, 1, 1, 0, 0]
    table = reliability(scores, right, bins=3)
    assert [each.count for each in table] == [3, 2, 2]
    assert [each.score for each in table] == pytest.approx([0.2, 0.45, 0.65])
    assert [each.right for each in table] == pytest.approx([1 / 3, 0.5, 0.5])
    assert len(reliability([0.1, 0.2], [0, 1], bins=15)) == 2


def test_calibration_error_weighs_bins_by_mass() -> None:
    """The distance of score and share right is averaged over all answers."""
    scores = [0.2, 0.2, 0.9, 0.9]
    right = [0, 1, 1, 1]
    assert calibration_error(scores, right, bins=2) == pytest.approx((2 * 0.3 + 2 * 0.1) / 4)
    assert calibration_error([0.25] * 4, [0, 0, 0, 1], bins=1) == pytest.approx(0)
    assert math.isnan(calibration_error([], []))


def test_risk_and_coverage() -> None:
    """Equal scores pass together; the largest coverage within a risk may lie beyond a worse one."""
    scores = [0.9, 0.8, 0.8, 0.5, 0.4]
    right = [1, 0, 1, 1, 1]
    thresholds, coverages, risks = risk_coverage(scores, right)
    assert thresholds.tolist() == [0.9, 0.8, 0.5, 0.4]
    assert coverages.tolist() == pytest.approx([0.2, 0.6, 0.8, 1.0])
    assert risks.tolist() == pytest.approx([0, 1 / 3, 1 / 4, 1 / 5])
    assert coverage_at(scores, right, 0.2) == 1.0
    assert coverage_at(scores, right, 0.1) == pytest.approx(0.2)
    assert coverage_at([0.9, 0.1], [0, 0], 0.1) == 0
    assert coverage_at([], [], 0.1) == 0


def test_interval_of_a_mean() -> None:
    """It is about the mean ± 1.96 standard errors, the same each time, and a point where all are equal."""
    values = np.random.default_rng(5).random(400) < 0.3
    bounds = mean_interval(values)
    error = 1.96 * values.std() / math.sqrt(400)
    assert bounds.low == pytest.approx(values.mean() - error, abs=0.006)
    assert bounds.high == pytest.approx(values.mean() + error, abs=0.006)
    assert mean_interval(values) == bounds
    same = mean_interval([0.5] * 10)
    assert same.low == same.high == 0.5
    assert math.isnan(mean_interval([]).low)


def test_interval_of_any_figure() -> None:
    """A mean's interval is the same whichever way it is asked for; draws without a figure don't count."""
    values = np.random.default_rng(6).random(200)
    by_figure = interval(lambda at: float(values[at].mean()), 200)
    by_mean = mean_interval(values)
    assert by_figure.low == pytest.approx(by_mean.low, abs=0.01)
    assert by_figure.high == pytest.approx(by_mean.high, abs=0.01)
    kinds = np.array([True, False])
    assert interval(lambda at: auroc(np.array([0.9, 0.1])[at], kinds[at]), 2).low == 1.0
    assert math.isnan(interval(lambda _: math.nan, 3).low)
