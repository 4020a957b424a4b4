"""Vectors in memory, for collections that are small."""

import numpy as np

from services.vector_search.domain.vectors import FloatMatrix


class MemoryVectors:
    """The vectors port over an array that grows by half."""

    def __init__(self, dimensions: int) -> None:
        self._rows = 0
        self._vectors: FloatMatrix = np.empty((0, dimensions), dtype=np.float32)

    @property
    def matrix(self) -> FloatMatrix:
        """All vectors."""
        return self._vectors[: self._rows]

    @property
    def memory_bytes(self) -> int:
        """What the vectors take; room for more is not touched yet."""
        return self.matrix.nbytes

    def append(self, vectors: FloatMatrix) -> None:
        """Add some at the end."""
        end = self._rows + len(vectors)
        if end > len(self._vectors):
            larger = np.empty((max(end, len(self._vectors) * 3 // 2), self._vectors.shape[1]), np.float32)
            larger[: self._rows] = self.matrix
            self._vectors = larger
        self._vectors[self._rows : end] = vectors
        self._rows = end

    def release(self) -> None:
        """Nothing: all of it is in use."""
