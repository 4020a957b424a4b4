"""
One score of two: a convex combination of normalised scores.

Equal-weight rank fusion lost to dense search alone on our sets; this did not (Bruch et al. 2022).
"""

from dataclasses import dataclass

import numpy as np

from services.vector_search.domain.vectors import Scores


@dataclass(frozen=True)
class FusionWeights:
    """How much meaning and words count; not negative, not both 0."""

    dense: float = 0.7
    lexical: float = 0.3

    def __post_init__(self) -> None:
        if min(self.dense, self.lexical) < 0 or self.dense + self.lexical <= 0:
            raise ValueError("fusion weights must not be negative and not both zero")


def fuse(dense: Scores | None, lexical: Scores | None, weights: FusionWeights) -> Scores:
    """
    Return one score per candidate, 1 at most, to rank by.

    `dense` are cosines and count as they are; `lexical` are BM25 scores and count in proportion to the
    largest among them. None: the question had no vector, or no words; then the other counts alone. A
    negative result (an opposite meaning) still ranks; `shown` is what callers see of it.
    """
    if dense is None and lexical is None:
        raise ValueError("nothing to fuse")
    if dense is None:
        return _share_of_best(lexical)  # type: ignore[arg-type]
    if lexical is None:
        return dense
    total = weights.dense + weights.lexical
    return (weights.dense * dense + weights.lexical * _share_of_best(lexical)) / total


def shown(fused: float) -> float:
    """Return a fused score as callers see it: between 0 and 1."""
    return min(1.0, max(0.0, fused))


def _share_of_best(lexical: Scores) -> Scores:
    best = float(lexical.max(initial=0.0))
    return lexical / best if best > 0 else np.zeros_like(lexical)
