"""One generation of one workspace as one SQLite file."""

import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import ChangeSet, EmbeddingModel
from services.vector_search.domain.errors import StoreDamaged, StoreUnavailable
from services.vector_search.domain.passages import Document, Passage, searchable_words
from services.vector_search.domain.ports import Delta, StoredPassages, StoreInfo
from services.vector_search.domain.vectors import FloatMatrix, Slots
from services.vector_search.storage.change_writer import ChangeWriter, document_of
from services.vector_search.storage.damage import sqlite_errors_named
from services.vector_search.storage.schema import APPLICATION_ID, FORMAT_VERSION, TABLES, checksum, unpacked
from services.vector_search.storage.state import State, connect, state_of, write_state

_BATCH = 2000

_Row = tuple[Any, ...]
_LiveRow = tuple[int, str, str, int, str, str, int, str, bytes | None, int]

_LIVE = """
SELECT c.slot, c.chunk_id, c.document_id, c.ordinal, c.heading_path, c.text, c.checksum,
       coalesce(d.title, ''), v.vector, v.checksum
FROM chunks c
LEFT JOIN vectors v ON v.slot = c.slot
LEFT JOIN documents d ON d.document_id = c.document_id AND d.dead = 0
WHERE c.dead = 0 AND c.slot > ? ORDER BY c.slot
"""

# All of it is in the index: the texts are not read.
_OWNERS = "SELECT slot, document_id FROM chunks INDEXED BY live_chunk_documents WHERE dead = 0"

_WORDS = """
SELECT c.slot, coalesce(d.title, ''), c.heading_path, c.text
FROM chunks c LEFT JOIN documents d ON d.document_id = c.document_id AND d.dead = 0
WHERE c.dead = 0 ORDER BY c.slot
"""

_REWORDED = """
SELECT c.slot, d.title, c.heading_path, c.text
FROM documents d JOIN chunks c ON c.document_id = d.document_id AND c.dead = 0
WHERE d.dead = 0 AND d.titled > ?
"""

_PAYLOAD = """
SELECT c.slot, c.chunk_id, c.document_id, c.ordinal, c.heading_path, c.text, c.checksum,
       coalesce(d.title, ''), coalesce(d.url, '')
FROM chunks c LEFT JOIN documents d ON d.document_id = c.document_id
WHERE c.slot IN ({})
"""
_COUNTS = "SELECT (SELECT count(*) FROM chunks WHERE dead = 0), (SELECT chunks FROM state)"
# How many slots one statement asks for.
_SLOTS_AT_ONCE = 64


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
            info = replace(self._state.info, revision=delta.revision)
            state = State(info, self._state.chunks + writer.growth)
            write_state(connection, state)
        self._state = state
        return delta

    def settle(self, revision: int) -> None:
        """Note that the file is level at `revision`."""
        info = self._state.info
        if info.complete and info.revision >= revision:
            return
        state = replace(self._state, info=replace(info, revision=max(revision, info.revision), complete=True))
        with sqlite_errors_named(), self._transaction() as connection:
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
        for rows in self._batches(_LIVE, after):
            yield self._stored(rows)

    def words(self) -> Iterator[tuple[int, str]]:
        """Yield the slot and the searchable words of all passages."""
        for rows in self._batches(_WORDS):
            yield from _words(rows)

    def reworded(self, since: int) -> Iterator[tuple[int, str]]:
        """Yield the slot and the searchable words of passages whose document's title changed since."""
        for rows in self._batches(_REWORDED, since):
            yield from _words(rows)

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
            return dict(_of_slots(connection, "SELECT slot, chunk_id FROM chunks WHERE slot IN ({})", slots))

    def passages(self, slots: Sequence[int]) -> dict[int, Passage]:
        """Return passages with all that an answer needs."""
        with sqlite_errors_named(), self._reading() as connection:
            rows = _of_slots(connection, _PAYLOAD, slots)
        found = {}
        for slot, chunk_id, document_id, ordinal, heading_path, text, stored, title, url in rows:
            _require(stored == checksum(chunk_id, document_id, ordinal, heading_path, text), "a passage")
            headings = unpacked(heading_path)
            found[slot] = Passage(chunk_id, document_id, title, url, headings, text, ordinal)
        if len(found) != len(set(slots)):
            raise StoreDamaged("a passage that the index has is missing from the file")
        return found

    def close(self) -> None:
        """Let go of the file."""
        with self._idle_lock:
            idle, self._idle = self._idle, []
            self._closed = True
        for connection in (*idle, self._writer):
            connection.close()

    def _stored(self, rows: list[_LiveRow]) -> StoredPassages:
        slots, documents, words, blobs = [], [], [], []
        for (
            slot,
            chunk_id,
            document_id,
            ordinal,
            heading_path,
            text,
            stored,
            title,
            vector,
            vector_sum,
        ) in rows:
            _require(stored == checksum(chunk_id, document_id, ordinal, heading_path, text), "a passage")
            _require(vector is not None and zlib.crc32(vector) == vector_sum, "a vector")
            slots.append(slot)
            documents.append(document_id)
            words.append(searchable_words(title, unpacked(heading_path), text))
            blobs.append(vector)
        return StoredPassages(
            np.array(slots, dtype=np.int64),
            documents,
            self._matrix(b"".join(filter(None, blobs)), len(rows)),
            words,
        )

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

    def _matrix(self, raw: bytes, rows: int) -> FloatMatrix:
        dimensions = self._state.info.model.dimensions
        _require(len(raw) == rows * dimensions * 4, "a vector's length")
        return np.frombuffer(raw, dtype="<f4").astype(np.float32, copy=False).reshape(rows, dimensions)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield self._writer
            self._writer.execute("COMMIT")
        except BaseException:
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


def _require(sound: bool, what: str) -> None:
    if not sound:
        raise StoreDamaged(f"{what} does not fit its checksum")


def _words(rows: list[tuple[int, str, str, str]]) -> Iterator[tuple[int, str]]:
    for slot, title, heading_path, text in rows:
        yield slot, searchable_words(title, unpacked(heading_path), text)


def _of_slots(connection: sqlite3.Connection, statement: str, slots: Sequence[int]) -> list[_Row]:
    """Return the rows of slots; statements of few lengths, so that they stay prepared."""
    rows: list[_Row] = []
    for start in range(0, len(slots), _SLOTS_AT_ONCE):
        some = slots[start : start + _SLOTS_AT_ONCE]
        rows += connection.execute(statement.format(",".join("?" * len(some))), some).fetchall()
    return rows
