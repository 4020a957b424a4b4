"""How near the units of what was found are to a question."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from services.vector_search.domain.units import Units
from services.vector_search.domain.vectors import FloatVector


def unit_cosines(query: FloatVector, found: Sequence[Units]) -> list[FloatVector]:
    """
    Return the cosine of each unit of each passage to a unit vector; 0 where a unit's vector is zero.

    All at once, in double precision, rounded to single: nothing is left of the order in which a processor
    sums, so that a cosine depends on unit and question alone. Squared lengths are whole numbers.
    """
    vectors = np.frombuffer(b"".join([each.vectors for each in found]), dtype=np.int8)
    wide = vectors.reshape(-1, len(query)).astype(np.float64)
    lengths = np.sqrt(np.vecdot(wide, wide))
    lengths[lengths == 0] = 1.0
    cosines = np.vecdot(wide, query.astype(np.float64)) / lengths
    # The question's own length is 1 but for the rounding of its values.
    narrow: FloatVector = cosines.clip(-1.0, 1.0).astype(np.float32)
    ends = list(accumulate(len(each.vectors) // len(query) for each in found))
    return [narrow[start:end] for start, end in zip([0, *ends], ends, strict=False)]
