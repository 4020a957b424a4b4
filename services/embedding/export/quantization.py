"""Float weights to eight bits."""

import numpy as np
from numpy.typing import NDArray


def quantize(
    weights: NDArray[np.float32], *, axis: int, levels: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """
    Return whole numbers from `-levels` to `levels`, and the scales that give back about the weights.

    There is one scale for all that lies along `axis`; that axis has length 1 in the scales' shape.
    """
    scales = np.abs(weights).max(axis=axis, keepdims=True) / np.float32(levels)
    scales = np.maximum(scales, np.finfo(np.float32).tiny)
    return np.rint(weights / scales).astype(np.int8), scales
