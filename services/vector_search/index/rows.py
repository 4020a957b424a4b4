"""The passages of a collection as aligned arrays."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from services.vector_search.domain.snapshot import Vectors
from services.vector_search.domain.vectors import FloatMatrix, FloatVector, Scores, Slots
from services.vector_search.index.memory_vectors import MemoryVectors

Rows = npt.NDArray[np.intp]
"""Shape (n,): places in a row table."""

Mask = npt.NDArray[np.bool_]
"""Shape (rows,)."""

DocumentNumbers = npt.NDArray[np.int32]
"""Shape (n,): places in a document table."""

# Rows that are scored in double precision, or copied, at once.
_BLOCK = 4096

_T = TypeVar("_T", bound=np.generic)


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

    The vectors are in memory or in a file; a snapshot holds the slots and says which rows were alive.

    Rows are only ever appended or marked dead; `compacted` makes a table without the dead. Not synchronised.
    """

    def __init__(self, dimensions: int, vectors: Vectors | None = None) -> None:
        """Make an empty table over an empty store of vectors: by default one in memory."""
        self.dimensions = dimensions
        self.size = 0
        self.live = 0
        # Whether each slot follows the one before it.
        self._gapless = False
        self._slots: Slots = np.empty(0, dtype=np.int64)
        self._documents: DocumentNumbers = np.empty(0, dtype=np.int32)
        self._alive: Mask = np.empty(0, dtype=np.bool_)
        self._stored: Vectors = vectors or MemoryVectors(dimensions)
        self._vectors: FloatMatrix = self._stored.matrix

    @classmethod
    def of(
        cls, dimensions: int, slots: Slots, documents: DocumentNumbers, alive: Mask, vectors: Vectors
    ) -> "RowTable":
        """Return a table of rows whose vectors are stored already; the arrays become its own."""
        table = cls(dimensions, vectors)
        table._slots, table._documents, table._alive = slots, documents, alive
        table.size, table.live = len(slots), int(np.count_nonzero(alive))
        table._note_gaps()
        return table

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
        return self._vectors

    @property
    def memory_bytes(self) -> int:
        """What the rows take; room for more is not touched yet."""
        return self._stored.memory_bytes + self.size * (8 + 4 + 1)

    def append(self, slots: Slots, documents: DocumentNumbers, vectors: FloatMatrix) -> None:
        """Add rows; each slot is larger than all before it."""
        end = self.size + len(slots)
        self._reserve(end)
        self._slots[self.size : end] = slots
        self._documents[self.size : end] = documents
        self._alive[self.size : end] = True
        self._stored.append(vectors)
        self._vectors = self._stored.matrix
        self.size = end
        self.live += len(slots)
        self._note_gaps()

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
        if self._gapless:
            # Without searching, which lets go of the interpreter: with many callers that costs more.
            rows: Rows = slots - self._slots[0]
            rows[(rows < 0) | (rows >= self.size)] = -1
            return rows
        rows = np.searchsorted(self.slots, slots)
        rows[rows == self.size] = 0
        rows[self._slots[rows] != slots] = -1
        return rows

    def first_row_after(self, slot: int) -> int:
        """Return the first row whose slot is larger."""
        if not self.size or slot >= self._slots[self.size - 1]:
            return self.size
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

    def compacted(self, vectors: Vectors | None = None) -> "RowTable":
        """Return a table of the living rows over an empty store of vectors: by default one in memory."""
        rows = np.flatnonzero(self.alive)
        table = RowTable(self.dimensions, vectors)
        for start in range(0, len(rows), _BLOCK):
            some = rows[start : start + _BLOCK]
            table.append(self._slots[some], self._documents[some], self._vectors[some])
        return table

    def release(self) -> None:
        """Let go of memory that reading took, where the vectors are in a file."""
        self._stored.release()

    def _note_gaps(self) -> None:
        self._gapless = bool(self.size) and int(self._slots[self.size - 1] - self._slots[0]) == self.size - 1

    def _reserve(self, size: int) -> None:
        if size <= len(self._slots):
            return
        # By half: what is reserved and not yet written takes address space, not memory.
        capacity = max(size, len(self._slots) * 3 // 2, 64)
        self._slots = _grown(self._slots, self.size, capacity)
        self._documents = _grown(self._documents, self.size, capacity)
        self._alive = _grown(self._alive, self.size, capacity)


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


def _grown(array: npt.NDArray[_T], size: int, capacity: int) -> npt.NDArray[_T]:
    larger = np.empty(capacity, dtype=array.dtype)
    larger[:size] = array[:size]
    return larger
