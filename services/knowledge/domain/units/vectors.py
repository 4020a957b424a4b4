"""Vectors of units, a byte per dimension."""

import numpy as np
from numpy.typing import NDArray

from services.embedding.domain.embedder import Vector

_LARGEST = 127


def quantised(vector: Vector) -> NDArray[np.int8]:
    """
    Return a vector as int8: scaled so that its largest component becomes 127 or −127, then rounded.

    Each vector has a scale of its own, which is not kept: of such vectors only cosines mean anything.
    """
    largest = float(np.abs(vector).max(initial=0.0))
    if largest == 0.0:
        return np.zeros(len(vector), dtype=np.int8)
    scaled: NDArray[np.int8] = np.rint(vector * (_LARGEST / largest)).astype(np.int8)
    return scaled
