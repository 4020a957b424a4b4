"""Vectors of passages and questions."""

import numpy as np
import numpy.typing as npt

FloatVector = npt.NDArray[np.float32]
"""Shape (dimensions,)."""

FloatMatrix = npt.NDArray[np.float32]
"""Shape (vectors, dimensions), rows contiguous."""

Scores = npt.NDArray[np.float64]
"""Shape (candidates,)."""

Slots = npt.NDArray[np.int64]
"""Shape (n,): the numbers that a workspace's file gave to its passages; never given twice."""

# A squared length may differ from 1 by so much, as sums of single precision do.
_UNIT = 1e-6
_LITTLE_ENDIAN = np.dtype("<f4")


class NotAVector(ValueError):
    """The bytes are no usable vector; the text says why."""


def unit_vector(raw: bytes) -> FloatVector:
    """
    Read little-endian float32 and return them scaled to length 1.

    Raises:
        NotAVector: not a whole number of floats, none, not finite, or all zero.
    """
    if not raw or len(raw) % _LITTLE_ENDIAN.itemsize:
        raise NotAVector("must be a whole number of float32 values")
    given = np.frombuffer(raw, dtype=_LITTLE_ENDIAN)
    # As a rule it is one already. What is not finite is no number near 1.
    if abs(float(np.vecdot(given, given, dtype=np.float64)) - 1.0) < _UNIT:
        return given.astype(np.float32, copy=False)
    vector = given.astype(np.float64)
    if not np.isfinite(vector).all():
        raise NotAVector("must hold finite numbers only")
    length = float(np.sqrt(vector @ vector))
    if length < 1e-12:
        raise NotAVector("must not be zero")
    return (vector / length).astype(np.float32)
