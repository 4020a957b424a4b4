"""
How far scores can be trusted: what came of questions whose right answers are known.

The figures follow Guo et al., "On Calibration of Modern Neural Networks" (2017), with bins of equal mass, and
Geifman and El-Yaniv, "Selective Classification for Deep Neural Networks" (2017), for risk and coverage.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BINS = 15
RESAMPLINGS = 1_000
CURVE_POINTS = 100
_SEED = 20_260_101
_SHIPPED = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True)
class Interval:
    """From a lower to an upper bound."""

    low: float
    high: float


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers of about the same score: its range, its mean, and the share of them that was right."""

    score_from: float
    score_to: float
    mean_score: float
    right: float
    questions: int


@dataclass(frozen=True)
class RiskPoint:
    """At the threshold `min_confidence` the share `coverage` is answered, the share `risk` of it wrong."""

    min_confidence: float
    coverage: float
    risk: float


@dataclass(frozen=True, eq=False)
class Outcomes:
    """
    Scores of answers, and whether each was right; lowest scores first, one entry per question.

    Scores are probabilities, 0 to 1; `rights` holds 1.0 and 0.0. All figures of no questions are 0.
    """

    scores: NDArray[np.float64]
    rights: NDArray[np.float64]

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, bool]]) -> "Outcomes":
        """
        Return the outcomes of (score, right) pairs.

        Raises:
            ValueError: a score is no probability.
        """
        table = np.array([(score, bool(right)) for score, right in pairs], dtype=np.float64).reshape(-1, 2)
        scores = table[:, 0]
        if not np.all((scores >= 0) & (scores <= 1)):
            raise ValueError("a score is not between 0 and 1")
        # Stable, so that ties stay as they came and the figures depend on the pairs alone.
        order = np.argsort(scores, kind="stable")
        return cls(scores[order], table[order, 1])

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """The reliability table: at most `BINS` bins of as many questions each, give or take one."""
        return tuple(
            ReliabilityBin(
                score_from=float(self.scores[start]),
                score_to=float(self.scores[end - 1]),
                mean_score=float(self.scores[start:end].mean()),
                right=float(self.rights[start:end].mean()),
                questions=int(end - start),
            )
            for start, end in zip(*_bins(len(self)), strict=True)
        )

    @cached_property
    def ece(self) -> float:
        """
        The expected calibration error, 0 to 1.

        The mean, over the bins by their mass, of how far the mean score is from the share that is right.
        """
        return _ece(self.scores, self.rights)

    @cached_property
    def ece_interval(self) -> Interval:
        """
        The middle 95 % of the error over `RESAMPLINGS` of the questions, drawn with repetition.

        A percentile bootstrap (Efron, 1979) with a fixed seed, so that equal outcomes give equal bounds. A
        resample has noise of its own, which can only add to the error: the bounds err upwards.
        """
        random = np.random.default_rng(_SEED)
        questions = np.arange(len(self))
        errors = np.empty(RESAMPLINGS)
        for each in range(RESAMPLINGS):
            drawn = np.bincount(random.integers(0, len(self), len(self)), minlength=len(self))
            # In the order of the scores already.
            rows = np.repeat(questions, drawn)
            errors[each] = _ece(self.scores[rows], self.rights[rows])
        low, high = np.percentile(errors, (2.5, 97.5))
        return Interval(float(low), float(high))

    @cached_property
    def risk_coverage(self) -> tuple[RiskPoint, ...]:
        """
        The risk–coverage curve, from the strictest threshold to none: at most `CURVE_POINTS` points.

        Every threshold is a score that occurs; the points are spread evenly over the coverage.
        """
        thresholds, answered, right = self._thresholds
        if not len(thresholds):
            return ()
        wished = np.linspace(answered[0], answered[-1], min(CURVE_POINTS, len(thresholds)))
        return tuple(
            RiskPoint(
                min_confidence=float(thresholds[place]),
                coverage=float(answered[place] / len(self)),
                risk=float(1 - right[place] / answered[place]),
            )
            for place in np.unique(np.searchsorted(answered, wished))
        )

    def threshold_for(self, precision: float) -> float:
        """
        Return the lowest threshold at which at least the share `precision` of the answers given is right.

        Thresholds are scores that occur; an answer is given from its threshold on. Where none reaches the
        precision, the threshold is 1: as good as nothing is answered.
        """
        thresholds, answered, right = self._thresholds
        # 14 of 25 are .56, although .56 × 25 is a little more than 14 in floating point.
        reached = np.flatnonzero(right >= precision * answered - 1e-9)
        return float(thresholds[reached[-1]]) if len(reached) else 1.0

    @cached_property
    def _thresholds(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        # The distinct scores, highest first, and how many questions score at least that, answered and right.
        falling = self.scores[::-1]
        last = np.flatnonzero(np.diff(falling, append=-1.0))
        return falling[last], last + 1, np.cumsum(self.rights[::-1])[last]


@dataclass(frozen=True)
class Measurement:
    """
    Outcomes and where they come from.

    `model` is the version of the fitted model that gave the scores, `measured_on` the questions in words.
    """

    model: str
    measured_on: str
    outcomes: Outcomes


def shipped_measurement(path: Path = _SHIPPED) -> Measurement:
    """
    Return what the shipped model was measured on; none of it was fitted on.

    The file is a JSON object: `model`, `measured_on`, and `pairs`, a list of `[score, right]` with a score of
    0 to 1 and right 1 or 0.

    Raises:
        ValueError: the file has another form.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    if any(right not in (0, 1) for _, right in data["pairs"]):
        raise ValueError("an outcome is neither 0 nor 1")
    return Measurement(data["model"], data["measured_on"], Outcomes.of(data["pairs"]))


def _bins(length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # Of bins of equal mass: where each starts, and one past its end.
    borders = np.linspace(0, length, min(BINS, length) + 1).round().astype(np.int64)
    return borders[:-1], borders[1:]


def _ece(scores: NDArray[np.float64], rights: NDArray[np.float64]) -> float:
    if not len(scores):
        return 0.0
    starts, _ = _bins(len(scores))
    return float(np.abs(np.add.reduceat(scores - rights, starts)).sum() / len(scores))
