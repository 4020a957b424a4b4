"""The passages of a collection as aligned arrays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.vector_search.domain.vectors import FloatMatrix, FloatVector, Scores, Slots

Rows = npt.NDArray[np.intp]
"""Shape (n,): places in a row table."""

Mask = npt.NDArray[np.bool_]
"""Shape (rows,)."""

DocumentNumbers = npt.NDArray[np.int32]
"""Shape (n,): places in a document table."""

# Rows that are scored at once in double precision.
_BLOCK = 4096


@dataclass(frozen=True)
class Points:
    """The living rows of a table at an instant; later changes of the table leave them as they are."""

    # Shape (n,), ascending.
    slots: Slots
    # Where each one's vector is among `vectors`.
    rows: Rows
    # All vectors of the table.
    vectors: FloatMatrix


class RowTable:
    """
    Slots (ascending), document numbers, life and unit vectors of passages, row by row.

    Rows are only ever appended or marked dead; `compacted` makes a table without the dead. Not synchronised.
    """

    def __init__(self, dimensions: int, capacity: int = 0) -> None:
        self.dimensions = dimensions
        self.size = 0
        self.live = 0
        self._slots: Slots = np.empty(capacity, dtype=np.int64)
        self._documents: DocumentNumbers = np.empty(capacity, dtype=np.int32)
        self._alive: Mask = np.empty(capacity, dtype=np.bool_)
        self._vectors: FloatMatrix = np.empty((capacity, dimensions), dtype=np.float32)

    @property
    def slots(self) -> Slots:
        """All slots, of dead rows too."""
        return self._slots[: self.size]

    @property
    def documents(self) -> DocumentNumbers:
        """The number of each row's document."""
        return self._documents[: self.size]

    @property
    def alive(self) -> Mask:
        """Which rows still count."""
        return self._alive[: self.size]

    @property
    def vectors(self) -> FloatMatrix:
        """All unit vectors, of dead rows too."""
        return self._vectors[: self.size]

    @property
    def memory_bytes(self) -> int:
        """What the rows take; room for more is not touched yet."""
        return self.size * (self.dimensions * 4 + 8 + 4 + 1)

    def append(self, slots: Slots, documents: DocumentNumbers, vectors: FloatMatrix) -> None:
        """Add rows; each slot is larger than all before it."""
        end = self.size + len(slots)
        self._reserve(end)
        self._slots[self.size : end] = slots
        self._documents[self.size : end] = documents
        self._alive[self.size : end] = True
        self._vectors[self.size : end] = vectors
        self.size = end
        self.live += len(slots)

    def remove(self, slots: Slots) -> None:
        """Mark rows dead; slots that are not here are none of its business."""
        rows = self.rows_of(slots)
        rows = rows[rows >= 0]
        self.live -= int(self._alive[rows].sum())
        self._alive[rows] = False

    def rows_of(self, slots: Slots) -> Rows:
        """Return each slot's row, −1 where it is not here."""
        if not self.size:
            return np.full(len(slots), -1, dtype=np.intp)
        rows = np.searchsorted(self.slots, slots)
        rows[rows == self.size] = 0
        rows[self._slots[rows] != slots] = -1
        return rows

    def first_row_after(self, slot: int) -> int:
        """Return the first row whose slot is larger."""
        return int(np.searchsorted(self.slots, slot, side="right"))

    def cosines(self, query: FloatVector, rows: Rows) -> Scores:
        """Return the cosine of each row to a unit vector."""
        return products(self._vectors[rows], query)

    def all_cosines(self, query: FloatVector) -> Scores:
        """Return the cosine of every row, dead ones too, to a unit vector."""
        return products(self.vectors, query)

    def exact_cosines(self, query: FloatVector, rows: Rows) -> Scores:
        """
        Return cosines that do not depend on where in the table a vector lies.

        Rounded double precision: nothing of the order in which a processor sums is left.
        """
        wide = query.astype(np.float64)
        scores = np.empty(len(rows), dtype=np.float64)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            scores[start : start + _BLOCK] = np.vecdot(self._vectors[block].astype(np.float64), wide)
        return scores.round(7)

    def points(self, end: int) -> Points:
        """Return the living ones of the first `end` rows. Not while the table changes."""
        rows = np.flatnonzero(self._alive[:end])
        return Points(self._slots[rows], rows, self.vectors)

    def compacted(self) -> "RowTable":
        """Return a table of the living rows."""
        rows = np.flatnonzero(self.alive)
        table = RowTable(self.dimensions, capacity=len(rows))
        table.append(self._slots[rows], self._documents[rows], self._vectors[rows])
        return table

    def _reserve(self, size: int) -> None:
        if size <= len(self._slots):
            return
        # By half: what is reserved and not yet written takes address space, not memory.
        capacity = max(size, len(self._slots) * 3 // 2, 64)
        self._slots = _grown(self._slots, self.size, (capacity,))
        self._documents = _grown(self._documents, self.size, (capacity,))
        self._alive = _grown(self._alive, self.size, (capacity,))
        self._vectors = _grown(self._vectors, self.size, (capacity, self.dimensions))


def products(vectors: FloatMatrix, query: FloatVector) -> Scores:
    """
    Return the dot product of each row with a vector.

    Row by row: a matrix product would wake the BLAS library's threads, and with many searches at once those
    only get in each other's way (5,000 rows, 4 callers: 50 searches a second instead of thousands).
    """
    return rounded(np.vecdot(vectors, query).astype(np.float64))


def rounded(cosines: Scores) -> Scores:
    """
    Return cosines without the digits that single precision does not have.

    Equal vectors rank equally whichever way, and in whichever order, their products were summed.
    """
    scores: Scores = cosines.round(6)
    return scores


def _grown(array: npt.NDArray, size: int, shape: tuple[int, ...]) -> npt.NDArray:  # type: ignore[type-arg]
    larger = np.empty(shape, dtype=array.dtype)
    larger[:size] = array[:size]
    return larger
