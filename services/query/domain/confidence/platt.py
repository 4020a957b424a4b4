"""Fitting scores to what is known of a workspace's own questions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.query.domain.confidence.calibration import Outcomes

MIN_QUESTIONS = 200
MIN_OF_EACH_KIND = 10
FOLDS = 5
# Scores have four digits; beyond these, one answer's logit would outweigh all others.
_LEAST, _MOST = 0.0001, 0.9999
_STEPS = 100
_CONVERGED = 1e-10


@dataclass(frozen=True)
class PlattScaling:
    """
    A monotone map from scores to scores: the logistic function of `slope` × the score's logit + `intercept`.

    Source: Platt, "Probabilistic Outputs for Support Vector Machines" (1999), here of a score that is a
    probability already.
    """

    slope: float
    intercept: float

    def __call__(self, score: float) -> float:
        """Return the score as the workspace's questions have it, 0 to 1."""
        return float(self.of(np.array([score]))[0])

    def of(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same of many."""
        return _logistic(self.slope * _logit(scores) + self.intercept)


def refitted(outcomes: Outcomes) -> PlattScaling | None:
    """
    Return the scaling that fits the outcomes best.

    None where they are too few to tell (less than 200, or less than 10 right or wrong ones), or where higher
    scores were not more often right, so that no rising map fits.
    """
    right = outcomes.rights.sum()
    if len(outcomes) < MIN_QUESTIONS or min(right, len(outcomes) - right) < MIN_OF_EACH_KIND:
        return None
    return _fitted(outcomes.scores, outcomes.rights)


def cross_fitted(outcomes: Outcomes) -> Outcomes:
    """
    Return the outcomes with each score scaled by a fit that has not seen it.

    The questions are dealt out to `FOLDS` folds by their place; a fold is scaled by what the others fit. The
    figures of `refitted` on the very outcomes that it was fitted on would flatter it.
    """
    fold = np.arange(len(outcomes)) % FOLDS
    scores = outcomes.scores.copy()
    for each in range(FOLDS):
        others = fold != each
        fit = _fitted(outcomes.scores[others], outcomes.rights[others])
        if fit is not None:
            scores[~others] = fit.of(outcomes.scores[~others])
    return Outcomes.of(zip(scores.tolist(), (outcomes.rights > 0).tolist(), strict=True))


def _fitted(scores: NDArray[np.float64], rights: NDArray[np.float64]) -> PlattScaling | None:
    # Newton's method on the likelihood of Platt's smoothed targets, which keep it finite; the step is halved
    # until the likelihood rises (Lin, Lin and Weng, "A Note on Platt's Probabilistic Outputs", 2007).
    right = rights.sum()
    wrong = len(rights) - right
    targets = np.where(rights > 0, (right + 1) / (right + 2), 1 / (wrong + 2))
    table = np.column_stack((_logit(scores), np.ones(len(scores))))
    weights = np.array([1.0, 0.0])
    loss = _loss(table @ weights, targets)
    for _ in range(_STEPS):
        predicted = _logistic(table @ weights)
        gradient = table.T @ (predicted - targets)
        curvature = table.T @ (table * (predicted * (1 - predicted))[:, None]) + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while (reached := _loss(table @ (weights - size * step), targets)) > loss and size > _CONVERGED:
            size /= 2
        if loss - reached <= _CONVERGED:
            break
        weights, loss = weights - size * step, reached
    slope, intercept = weights.tolist()
    return PlattScaling(slope, intercept) if slope > 0 else None


def _loss(logits: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    return float(np.sum(np.logaddexp(0, logits) - targets * logits))


def _logit(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(scores, _LEAST, _MOST)
    return np.log(inside / (1 - inside))


def _logistic(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-logits))
