"""What an index is made of, as the index and the disk speak of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from services.vector_search.domain.graph import GraphCut, GraphSnapshot
from services.vector_search.domain.vectors import FloatMatrix, Slots

Alive = npt.NDArray[np.bool_]
"""Shape (rows,): which rows of a table still count."""


class Vectors(Protocol):
    """Vectors of one length that are only ever appended. Not synchronised."""

    @property
    def matrix(self) -> FloatMatrix:
        """All of them, shape (rows, dimensions); what was returned stays as it is when more are appended."""

    @property
    def memory_bytes(self) -> int:
        """What they take of memory that the system can't take back."""

    def append(self, vectors: FloatMatrix) -> None:
        """Add some at the end. Raises StoreUnavailable."""

    def release(self) -> None:
        """Let go of memory that reading took; it is taken anew as needed."""


class StoredVectors(Vectors, Protocol):
    """Vectors in a file, which a snapshot can name: its first rows never change."""

    def close(self) -> None:
        """Nothing is appended any more; matrices that were returned stay readable."""


@dataclass(frozen=True)
class IndexSnapshot:
    """
    All parts of an index as of one moment, each whole.

    Rows are those of a row table: dead ones too, ascending slots. The graph may end at an earlier slot.
    """

    # Of the workspace's file at that moment.
    revision: int
    graph: GraphSnapshot
    slots: Slots
    alive: Alive
    # As many as there are slots; ready to be appended to.
    vectors: StoredVectors
    # A copy of the lexical index's folder, ready to be written to; None: it was forgotten.
    words: Path | None
    # Passages that are gone and still weigh on the lexical statistics.
    dead_words: int

    @property
    def last_slot(self) -> int:
        """The last slot that it has; −1: none."""
        return int(self.slots[-1]) if len(self.slots) else -1


class SnapshotDraft(Protocol):
    """A snapshot in the making. Without `commit` it is as if it had never been."""

    def add_graph(self, cut: GraphCut, write: Callable[[Path], None]) -> None:
        """Take the graph that `write` writes to the path it is given. Raises OSError."""

    def keep_graph(self) -> None:
        """Take the graph of the snapshot that there is. Raises StoreUnavailable where there is none."""

    def add_rows(self, slots: Slots, alive: Alive, vectors: StoredVectors) -> None:
        """Take the rows that there are now. Not while they change."""

    def add_words(self, folder: Path, dead: int) -> None:
        """Take a lexical index's folder as it is now. Not while it changes. Raises OSError."""

    def commit(self, revision: int) -> None:
        """
        Make it the snapshot that is found after a restart, in place of the one before. Raises OSError.

        The workspace's file must have everything up to `revision` on disk: were that lost, slots would be
        handed out again for other passages.
        """

    def discard(self) -> None:
        """Delete what was written, after something failed."""


class IndexCache(Protocol):
    """
    Where what the index of one workspace file is made of lies on disk, in use and between runs.

    Losing it costs only time. One collection uses it at a time.
    """

    def new_vectors(self, dimensions: int) -> StoredVectors:
        """Return an empty file for vectors. Raises StoreUnavailable."""

    def new_words(self) -> Path:
        """Return an empty folder for a lexical index. Raises StoreUnavailable."""

    def retire(self, used: StoredVectors | Path) -> None:
        """Note that vectors or a folder from here are no longer used."""

    def draft(self) -> SnapshotDraft:
        """Begin a snapshot."""

    def load(self, dimensions: int) -> IndexSnapshot | None:
        """Return the snapshot, None where there is none that is whole; called before anything is in use."""

    def forget_words(self, gone_at: int) -> bool:
        """
        Have no words on disk, but those in use, that may be of what was gone at a revision.

        Returns whether the snapshot goes on without its words.

        Raises:
            StoreUnavailable: the disk refused, so that there still may be some.
        """

    def prepared_bytes(self) -> int:
        """Return about how much memory an index from the snapshot takes, 0 where there is none."""

    def delete(self) -> None:
        """Forget everything that is not in use."""
