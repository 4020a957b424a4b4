"""One generation of one workspace as one SQLite file."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import ChangeSet, EmbeddingModel
from services.vector_search.domain.errors import StoreDamaged, StoreUnavailable
from services.vector_search.domain.passages import Document, Passage
from services.vector_search.domain.ports import Delta, StoredPassages, StoreInfo
from services.vector_search.domain.units import Units
from services.vector_search.domain.vectors import Slots
from services.vector_search.storage import passage_rows
from services.vector_search.storage.change_writer import ChangeWriter, bury_the_dying, document_of
from services.vector_search.storage.damage import sqlite_errors_named
from services.vector_search.storage.schema import APPLICATION_ID, FORMAT_VERSION, TABLES, checksum
from services.vector_search.storage.state import BUSY_MS, State, connect, state_of, write_state

_BATCH = 2000
# More rows than this share of the passages, and so many, may lie buried before the file is packed.
_MAX_BURIED_SHARE = 0.5
_FEW = 1000
# How long moving the log waits for those who read: they hold their place for a moment as a rule.
_PATIENCE_MS = 100

# All of it is in the index: the texts are not read.
_OWNERS = "SELECT slot, document_id FROM chunks INDEXED BY live_chunk_documents WHERE dead = 0"

_COUNTS = "SELECT (SELECT count(*) FROM chunks WHERE dead = 0), (SELECT chunks FROM state)"


class WorkspaceFile:
    """
    The store port over one file.

    WAL with synchronous=NORMAL: a commit survives the death of the process but perhaps not of the machine,
    after which the file is whole but older. That breaks no promise: a replica that starts reports where its
    files are, and does not serve before it is level again.
    """

    def __init__(self, path: Path, state: State) -> None:
        self._path = path
        self._state = state
        # True: a transaction that failed may have left some of it in the log.
        self._spilled = _has_log(path)
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        self._closed = False
        self._writer = connect(path)

    @classmethod
    def create(
        cls, path: Path, workspace_id: WorkspaceId, generation: int, file_id: str, model: EmbeddingModel
    ) -> "WorkspaceFile":
        """Make an empty file."""
        info = StoreInfo(workspace_id, generation, file_id, model, revision=0, complete=False)
        with sqlite_errors_named():
            connection = connect(path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.executescript("BEGIN IMMEDIATE;" + TABLES)
            write_state(connection, State(info, chunks=0))
            connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            connection.execute("COMMIT")
            connection.close()
        return cls(path, State(info, chunks=0))

    @classmethod
    def open(cls, path: Path) -> "WorkspaceFile":
        """Open a file that is there. Raises StoreDamaged where it can't be read, or is of another format."""
        return cls(path, state_of(path))

    @property
    def info(self) -> StoreInfo:
        """What it is and how far."""
        return self._state.info

    def apply(self, sets: Sequence[ChangeSet]) -> Delta:
        """Apply change sets in one transaction."""
        with sqlite_errors_named(), self._transaction() as connection:
            writer = ChangeWriter(connection, self._state.info.model.dimensions)
            delta = writer.write(sets, after=self._state.info.revision)
            info = self._advanced(delta.revision, nothing_to_erase=not writer.leaves_traces)
            state = State(info, self._state.chunks + writer.growth, self._state.buried + writer.buried)
            write_state(connection, state)
        self._state = state
        return delta

    def settle(self, revision: int) -> None:
        """Note that the file is level at `revision`."""
        info = self._state.info
        if info.complete and info.revision >= revision:
            return
        advanced = self._advanced(max(revision, info.revision), nothing_to_erase=True)
        state = replace(self._state, info=replace(advanced, complete=True))
        with sqlite_errors_named(), self._transaction() as connection:
            write_state(connection, state)
        self._state = state

    def erase(self, revision: int) -> None:
        """Have nothing of what was deleted or replaced in the file and its log, up to a revision."""
        if revision <= self._state.info.erased_revision and not self._spilled:
            return
        with sqlite_errors_named():
            with self._transaction() as connection:
                buried = self._state.buried + bury_the_dying(connection)
                buried_state = replace(self._state, buried=buried)
                write_state(connection, buried_state)
            self._state = buried_state
            if buried > max(_FEW, _MAX_BURIED_SHARE * self._state.chunks):
                self._writer.execute("VACUUM")
                buried = 0
            self._empty_log()
            erased = max(revision, self._state.info.erased_revision)
            state = replace(
                self._state, info=replace(self._state.info, erased_revision=erased), buried=buried
            )
            with self._transaction() as connection:
                write_state(connection, state)
        self._state = state

    def verify(self) -> None:
        """Read the whole structure; raise StoreDamaged where it is not sound."""
        with sqlite_errors_named(), self._reading() as connection:
            # Not the quick one: `owners` trusts an index to say what its table says.
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            # In one statement: others may be writing.
            live, told = connection.execute(_COUNTS).fetchone()
        if verdict != "ok":
            raise StoreDamaged(verdict)
        if live != told:
            raise StoreDamaged(f"it holds {live} passages, not {told}")

    def documents(self) -> list[Document]:
        """Return all documents."""
        with sqlite_errors_named(), self._reading() as connection:
            rows = connection.execute(
                "SELECT document_id, title, url, tags, locale, authenticated, active, titled, checksum "
                "FROM documents WHERE dead = 0"
            ).fetchall()
        documents = []
        for *fields, titled, stored in rows:
            _require(stored == checksum(*fields, titled), "a document")
            documents.append(document_of(fields))
        return documents

    def owners(self) -> Iterator[tuple[Slots, list[str]]]:
        """Yield slots and the ids of their documents in batches, all passages in any order."""
        live = 0
        for rows in self._batches(_OWNERS):
            live += len(rows)
            slots, documents = zip(*rows, strict=True)
            yield np.array(slots, dtype=np.int64), list(documents)
        if live != self._state.chunks:
            raise StoreDamaged(f"it holds {live} passages, not {self._state.chunks}")

    def contents(self, after: int = 0) -> Iterator[StoredPassages]:
        """Yield the passages of larger slots in batches, ascending slots."""
        for rows in self._batches(passage_rows.LIVE, after):
            yield passage_rows.stored_passages(rows, self._state.info.model.dimensions)

    def words(self) -> Iterator[tuple[int, str]]:
        """Yield the slot and the searchable words of all passages."""
        for rows in self._batches(passage_rows.WORDS):
            yield from passage_rows.words(rows)

    def reworded(self, since: int) -> Iterator[tuple[int, str]]:
        """Yield the slot and the searchable words of passages whose document's title changed since."""
        for rows in self._batches(passage_rows.REWORDED, since):
            yield from passage_rows.words(rows)

    def last_slot(self) -> int:
        """Return the last slot that was ever given out; 0: none."""
        with sqlite_errors_named(), self._reading() as connection:
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'").fetchone()
        return int(row[0]) if row else 0

    def checkpoint(self) -> None:
        """Have everything that was applied on disk, also against the death of the machine."""
        with sqlite_errors_named(), self._reading() as connection:
            # Passive: waits for nobody, and lets nobody wait.
            busy, frames, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if busy or frames != moved:
            raise StoreUnavailable("the log could not be moved into the file")

    def count(self) -> int:
        """Return the number of passages."""
        return self._state.chunks

    def chunk_ids(self, slots: Sequence[int]) -> dict[int, str]:
        """Return the ids of passages."""
        with sqlite_errors_named(), self._reading() as connection:
            return passage_rows.chunk_ids(connection, slots)

    def passages(self, slots: Sequence[int]) -> dict[int, Passage]:
        """Return passages with all that an answer needs, except for units."""
        with sqlite_errors_named(), self._reading() as connection:
            return passage_rows.passages(connection, slots)

    def units(self, slots: Sequence[int]) -> dict[int, Units]:
        """Return the units of passages, each with as many as it has."""
        with sqlite_errors_named(), self._reading() as connection:
            return passage_rows.units(connection, slots)

    def close(self) -> None:
        """Let go of the file."""
        with self._idle_lock:
            idle, self._idle = self._idle, []
            self._closed = True
        for connection in (*idle, self._writer):
            connection.close()

    def _advanced(self, revision: int, *, nothing_to_erase: bool) -> StoreInfo:
        """Return what the file is at a later revision; where it has no traces it is level in that, too."""
        info = self._state.info
        level = nothing_to_erase and not self._spilled and info.erased_revision == info.revision
        return replace(info, revision=revision, erased_revision=revision if level else info.erased_revision)

    def _empty_log(self) -> None:
        """Move the log into the file and cut it to nothing. Raises StoreUnavailable while somebody reads."""
        self._writer.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        try:
            busy, _, _ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        if busy:
            raise StoreUnavailable("the log is being read")
        self._spilled = False

    def _batches(self, statement: str, *parameters: int) -> Iterator[list[Any]]:
        with self._reading() as connection:
            with sqlite_errors_named():
                cursor = connection.execute(statement, parameters)
            while True:
                with sqlite_errors_named():
                    rows = cursor.fetchmany(_BATCH)
                if not rows:
                    return
                yield rows

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield self._writer
            self._writer.execute("COMMIT")
        except BaseException:
            self._spilled = True
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._idle_lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            with sqlite_errors_named():
                connection = connect(self._path)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._idle_lock:
            if not self._closed:
                self._idle.append(connection)
                return
        # Something long, such as the whole check, went on after the file was let go.
        connection.close()


def _has_log(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def _require(sound: bool, what: str) -> None:
    if not sound:
        raise StoreDamaged(f"{what} does not fit its checksum")
