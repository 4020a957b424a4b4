"""The rows of a collection while they change, as whoever tends its graph sees them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.vector_search.domain.vectors import FloatMatrix, Slots
from services.vector_search.index.hnsw import HnswIndex
from services.vector_search.index.read_write_lock import ReadWriteLock
from services.vector_search.index.rows import Points, RowTable


@dataclass(frozen=True)
class LiveRows:
    """Looks into a table that others replace, append to and remove from."""

    # Returns the table of now.
    table: Callable[[], RowTable]
    # Held by whoever changes the table.
    changing: threading.Lock
    # Held by searches, and alone by whoever changes what they read.
    lock: ReadWriteLock

    @property
    def count(self) -> int:
        """Number of living rows."""
        return self.table().live

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return self.table().dimensions

    def drift(self, graph: HnswIndex) -> tuple[int, int]:
        """Return how many living rows are not in a graph yet, and how many of its points are dead."""
        with self.lock.reading():
            table = self.table()
            living = int(np.count_nonzero(table.alive[: table.first_row_after(graph.last_slot)]))
            return table.live - living, graph.size - living

    def after(self, slot: int, most: int) -> tuple[Slots, FloatMatrix]:
        """Return the slots and vectors of the next living rows after a slot, at most so many."""
        with self.lock.reading():
            table = self.table()
            border = table.first_row_after(slot)
            rows = border + np.flatnonzero(table.alive[border:])[:most]
            return table.slots[rows], table.vectors[rows]

    def within(self, graph: HnswIndex) -> Points:
        """Return the living points of a graph."""
        with self.changing:
            table = self.table()
            return table.points(table.first_row_after(graph.last_slot))
