"""Figures of retrieval, abstention and calibration, and how sure one can be of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]
Outcomes = NDArray[np.bool_]
Places = NDArray[np.intp]

CUT = 10
BINS = 15
RESAMPLES = 1000
# Resamples that are drawn at once: as many numbers as fit into a few megabytes.
_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Interval:
    """The bounds that hold a figure in 95 of 100 resamplings."""

    low: float
    high: float


@dataclass(frozen=True)
class Bin:
    """Answers of about the same score: how many, their mean score, and the share of them that is right."""

    count: int
    score: float
    right: float


def ndcg(found: Sequence[str], gains: Mapping[str, float], cut: int = CUT) -> float:
    """
    Return the normalised discounted cumulative gain of the first `cut` found, 0 to 1.

    Gains as they are over log2(place + 1), as trec_eval and BEIR have it (Järvelin and Kekäläinen, 2002).
    """
    ideal = _discounted(sorted(gains.values(), reverse=True)[:cut])
    return _discounted(gains.get(each, 0.0) for each in found[:cut]) / ideal if ideal > 0 else 0.0


def recall(found: Sequence[str], gains: Mapping[str, float], cut: int = CUT) -> float:
    """Return the share of the gold ones that are among the first `cut` found."""
    return len(set(found[:cut]) & set(gains)) / len(gains) if gains else 0.0


def hit(found: Sequence[str], gains: Mapping[str, float], cut: int = 1) -> float:
    """Return 1 where a gold one is among the first `cut` found, else 0."""
    return float(any(each in gains for each in found[:cut]))


def auroc(scores: ArrayLike, positive: ArrayLike) -> float:
    """
    Return the probability that a positive one has a higher score than a negative one; equal counts half.

    NaN where one of the two kinds is missing.
    """
    values, kinds = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    positives = int(kinds.sum())
    negatives = len(kinds) - positives
    if not positives or not negatives:
        return math.nan
    # Mann and Whitney (1947): from the sum of the positive ones' ranks, equal scores sharing their mean rank.
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[kinds].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def reliability(scores: ArrayLike, right: ArrayLike, bins: int = BINS) -> list[Bin]:
    """Return bins of equal mass, lowest scores first; no more bins than there are scores."""
    values, outcomes = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    parts = [each for each in np.array_split(order, bins) if len(each)]
    return [Bin(len(each), float(values[each].mean()), float(outcomes[each].mean())) for each in parts]


def calibration_error(scores: ArrayLike, right: ArrayLike, bins: int = BINS) -> float:
    """
    Return the expected calibration error over bins of equal mass, 0 to 1; NaN for no scores.

    Naeini et al. 2015, with the adaptive bins of Nixon et al. 2019.
    """
    table = reliability(scores, right, bins)
    if not table:
        return math.nan
    return sum(each.count * abs(each.score - each.right) for each in table) / sum(
        each.count for each in table
    )


def risk_coverage(scores: ArrayLike, right: ArrayLike) -> tuple[Numbers, Numbers, Numbers]:
    """
    Return thresholds, coverages and risks, from the strictest threshold to none.

    A threshold lets every score through that is not below it. Coverage is the share of all that is let
    through, risk the share of these that is wrong (El-Yaniv and Wiener, 2010).
    """
    values, outcomes = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    values, wrong = values[order], np.cumsum(1 - outcomes[order])
    # Equal scores pass together.
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1) if len(values) else np.array([], int)
    passed = last + 1
    return values[last], passed / max(1, len(values)), wrong[last] / passed


def coverage_at(scores: ArrayLike, right: ArrayLike, risk: float) -> float:
    """Return the largest coverage whose risk is at most `risk`; 0 where no threshold keeps it."""
    _, coverages, risks = risk_coverage(scores, right)
    kept = coverages[risks <= risk]
    return float(kept.max()) if len(kept) else 0.0


def mean_interval(values: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Return the bootstrap interval of a mean."""
    numbers = np.asarray(values, dtype=np.float64)
    count = len(numbers)
    if not count:
        return Interval(math.nan, math.nan)
    luck = np.random.default_rng(seed)
    rows = max(1, _AT_ONCE // count)
    means = [
        numbers[luck.integers(0, count, (min(rows, resamples - done), count))].mean(axis=1)
        for done in range(0, resamples, rows)
    ]
    return _bounds(np.concatenate(means))


def interval(
    figure: Callable[[Places], float], count: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """
    Return the percentile bootstrap interval (Efron, 1979) of `figure` over `count` questions.

    `figure` gets places, each as often as it was drawn. Draws for which it is NaN don't count.
    """
    if not count:
        return Interval(math.nan, math.nan)
    luck = np.random.default_rng(seed)
    found = np.array([figure(luck.integers(0, count, count)) for _ in range(resamples)])
    return _bounds(found)


def _bounds(figures: Numbers) -> Interval:
    fine = figures[~np.isnan(figures)]
    if not len(fine):
        return Interval(math.nan, math.nan)
    low, high = np.quantile(fine, (0.025, 0.975))
    return Interval(float(low), float(high))


def _discounted(gains: Iterable[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))
