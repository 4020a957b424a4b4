"""Writes change sets into a workspace's file and tells what they did."""

import sqlite3
import zlib
from collections.abc import Sequence

import numpy as np

from services.vector_search.domain.changes import ChangeSet, Chunk
from services.vector_search.domain.errors import ChangesRefused
from services.vector_search.domain.passages import Document, searchable_words
from services.vector_search.domain.ports import Delta, StoredPassages
from services.vector_search.domain.units import Units
from services.vector_search.domain.vectors import Slots
from services.vector_search.storage.schema import checksum, packed, units_checksum, unpacked

_FIELDS = "document_id, title, url, tags, locale, authenticated, active, titled"
# Emptied in place, see the schema.
_BURY_DOCUMENTS = (
    "UPDATE documents SET document_id = NULL, title = '', url = '', tags = '', locale = '', dead = 2 WHERE "
)
_BURY_UNITS = (
    "UPDATE units SET encoded = x'', vectors = x'', checksum = 0 "
    "WHERE slot IN (SELECT slot FROM chunks WHERE dead = 1)"
)
_BURY_CHUNKS = (
    "UPDATE chunks SET chunk_id = '', document_id = '', heading_path = '', text = '', kind = '', dead = 2 "
    "WHERE dead = 1"
)


class ChangeWriter:
    """One transaction's worth of changes."""

    def __init__(self, connection: sqlite3.Connection, dimensions: int) -> None:
        self._connection = connection
        self._dimensions = dimensions
        # By how many passages the file grew.
        self.growth = 0
        # How many rows of passages and documents were buried.
        self.buried = 0
        # Whether something was deleted or replaced that the file or its log may still have.
        self.leaves_traces = False
        # Of the set that is being written.
        self._revision = 0
        self._added: dict[int, Chunk] = {}
        self._removed: list[int] = []
        self._documents: dict[str, Document] = {}
        self._removed_documents: dict[str, None] = {}
        self._retitled: dict[str, None] = {}
        # Title or address are others; those that are retitled among them.
        self._relabelled: dict[str, None] = {}

    def write(self, sets: Sequence[ChangeSet], *, after: int) -> Delta:
        """
        Write the sets in order, within the caller's transaction, to a file that is at revision `after`.

        Raises:
            ChangesRefused: a vector has another length, or the revisions don't ascend.
        """
        self.buried = bury_the_dying(self._connection)
        revision = after
        for each in sets:
            if each.revision <= revision:
                raise ChangesRefused(f"revision {each.revision} came after {revision}")
            revision = each.revision
            self._revision = revision
            self._write_set(each)
        return self._delta(revision)

    def _write_set(self, changes: ChangeSet) -> None:
        for document_id in changes.deleted_documents:
            self._delete_document(document_id)
        for document in changes.documents:
            self._put_document(document)
        for chunk_id in changes.deleted_chunks:
            self._delete_chunk(chunk_id)
        gone = frozenset(changes.deleted_documents)
        for chunk in changes.chunks:
            self._delete_chunk(chunk.chunk_id)
            if chunk.document_id not in gone:
                self._insert_chunk(chunk)

    def _put_document(self, document: Document) -> None:
        fields = (
            document.document_id,
            document.title,
            document.url,
            packed(document.tags),
            document.locale,
            int(document.authenticated),
            int(document.active),
        )
        number, dead, *before = self._connection.execute(
            f"SELECT number, dead, {_FIELDS} FROM documents WHERE document_id = ?", (document.document_id,)
        ).fetchone() or (0, 1)
        title, url, titled = ("", "", 0) if dead else (before[1], before[2], before[-1])
        if document.title != title:
            titled = self._revision
        if dead or before != [*fields, titled]:
            self._bury_document(number)
            self._connection.execute(
                f"INSERT INTO documents ({_FIELDS}, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*fields, titled, checksum(*fields, titled)),
            )
        if document.title != title:
            self._retitled[document.document_id] = None
        if (document.title, document.url) != (title, url):
            self._relabelled[document.document_id] = None
        self._documents[document.document_id] = document
        self._removed_documents.pop(document.document_id, None)

    def _bury_document(self, number: int) -> None:
        """Empty the row of a document that is replaced; 0: there was none."""
        if number:
            self._connection.execute(_BURY_DOCUMENTS + "number = ?", (number,))
            self.buried += 1
            self.leaves_traces = True

    def _delete_document(self, document_id: str) -> None:
        found = self._connection.execute(
            "UPDATE documents SET dead = 1 WHERE document_id = ?", (document_id,)
        )
        self.leaves_traces |= found.rowcount > 0
        self._let_die("document_id", document_id)
        self._documents.pop(document_id, None)
        self._retitled.pop(document_id, None)
        self._relabelled.pop(document_id, None)
        self._removed_documents[document_id] = None

    def _insert_chunk(self, chunk: Chunk) -> None:
        if len(chunk.vector) != self._dimensions:
            raise ChangesRefused(f"a vector has {len(chunk.vector)} values, not {self._dimensions}")
        if len(chunk.units.vectors) % self._dimensions:
            raise ChangesRefused(f"a unit's vector has not {self._dimensions} values")
        fields = (
            chunk.chunk_id,
            chunk.document_id,
            chunk.ordinal,
            packed(chunk.heading_path),
            chunk.text,
            chunk.kind,
        )
        cursor = self._connection.execute(
            "INSERT INTO chunks (chunk_id, document_id, ordinal, heading_path, text, kind, checksum) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*fields, checksum(*fields)),
        )
        slot = cursor.lastrowid
        assert slot is not None
        raw = chunk.vector.astype("<f4", copy=False).tobytes()
        self._connection.execute("INSERT INTO vectors VALUES (?, ?, ?)", (slot, raw, zlib.crc32(raw)))
        self._insert_units(slot, chunk.units)
        self._added[slot] = chunk
        self.growth += 1

    def _insert_units(self, slot: int, units: Units) -> None:
        stored = units_checksum(slot, units.encoded, units.vectors)
        self._connection.execute(
            "INSERT INTO units VALUES (?, ?, ?, ?)", (slot, units.encoded, units.vectors, stored)
        )

    def _delete_chunk(self, chunk_id: str) -> None:
        self._let_die("chunk_id", chunk_id)

    def _let_die(self, column: str, value: str) -> None:
        slots = [
            slot
            for (slot,) in self._connection.execute(
                f"SELECT slot FROM chunks WHERE {column} = ? AND dead = 0", (value,)
            )
        ]
        for slot in slots:
            self._connection.execute("UPDATE chunks SET dead = 1 WHERE slot = ?", (slot,))
            # The index in memory has its own copy, so that nothing reads a dead passage's vector.
            self._connection.execute("DELETE FROM vectors WHERE slot = ?", (slot,))
            self.growth -= 1
            self.leaves_traces = True
            if self._added.pop(slot, None) is None:
                self._removed.append(slot)

    def _delta(self, revision: int) -> Delta:
        slots = sorted(self._added)
        chunks = [self._added[slot] for slot in slots]
        titles = {chunk.document_id: "" for chunk in chunks}
        for document_id in titles:
            row = self._connection.execute(
                "SELECT title FROM documents WHERE document_id = ? AND dead = 0", (document_id,)
            ).fetchone()
            titles[document_id] = row[0] if row else ""
        matrix = np.empty((len(chunks), self._dimensions), dtype=np.float32)
        for row_number, chunk in enumerate(chunks):
            matrix[row_number] = chunk.vector
        added = StoredPassages(
            slots=np.array(slots, dtype=np.int64),
            document_ids=[chunk.document_id for chunk in chunks],
            vectors=matrix,
            words=[searchable_words(titles[c.document_id], c.heading_path, c.text) for c in chunks],
        )
        return Delta(
            revision=revision,
            removed=np.array(sorted(self._removed), dtype=np.int64),
            added=added,
            reworded=self._reworded(),
            relabelled=self._relabelled_slots(),
            documents=tuple(self._documents.values()),
            removed_documents=tuple(self._removed_documents),
        )

    def _reworded(self) -> dict[int, str]:
        words = {}
        for document_id in self._retitled:
            rows = self._connection.execute(
                "SELECT slot, heading_path, text FROM chunks WHERE document_id = ? AND dead = 0",
                (document_id,),
            ).fetchall()
            title = self._documents[document_id].title
            for slot, heading_path, text in rows:
                if slot not in self._added:
                    words[slot] = searchable_words(title, unpacked(heading_path), text)
        return words

    def _relabelled_slots(self) -> Slots:
        slots = [
            slot
            for document_id in self._relabelled
            for (slot,) in self._connection.execute(
                "SELECT slot FROM chunks WHERE document_id = ? AND dead = 0", (document_id,)
            )
            if slot not in self._added
        ]
        return np.array(slots, dtype=np.int64)


def bury_the_dying(connection: sqlite3.Connection) -> int:
    """
    Empty the rows of what is dying, within the caller's transaction.

    Returns how many rows of passages and documents there were.
    """
    connection.execute(_BURY_UNITS)
    documents = connection.execute(_BURY_DOCUMENTS + "dead = 1").rowcount
    return documents + connection.execute(_BURY_CHUNKS).rowcount


def document_of(fields: Sequence[str | int]) -> Document:
    """Return the document of a row's fields, in the order of the table's columns."""
    document_id, title, url, tags, locale, authenticated, active = fields
    return Document(
        document_id=str(document_id),
        title=str(title),
        url=str(url),
        tags=unpacked(str(tags)),
        locale=str(locale),
        authenticated=bool(authenticated),
        active=bool(active),
    )
