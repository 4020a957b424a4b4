"""Rows of a workspace's file, read and checked."""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from services.vector_search.domain.errors import StoreDamaged
from services.vector_search.domain.passages import Passage, searchable_words
from services.vector_search.domain.ports import StoredPassages
from services.vector_search.domain.units import Units
from services.vector_search.domain.vectors import FloatMatrix
from services.vector_search.storage.schema import checksum, units_checksum, unpacked

# What `stored_passages` reads.
LIVE = """
SELECT c.slot, c.chunk_id, c.document_id, c.ordinal, c.heading_path, c.text, c.kind, c.checksum,
       coalesce(d.title, ''), v.vector, v.checksum
FROM chunks c
LEFT JOIN vectors v ON v.slot = c.slot
LEFT JOIN documents d ON d.document_id = c.document_id AND d.dead = 0
WHERE c.dead = 0 AND c.slot > ? ORDER BY c.slot
"""

# What `words` reads, of all passages.
WORDS = """
SELECT c.slot, coalesce(d.title, ''), c.heading_path, c.text
FROM chunks c LEFT JOIN documents d ON d.document_id = c.document_id AND d.dead = 0
WHERE c.dead = 0 ORDER BY c.slot
"""

# What `words` reads, of passages whose title changed since a revision.
REWORDED = """
SELECT c.slot, d.title, c.heading_path, c.text
FROM documents d JOIN chunks c ON c.document_id = d.document_id AND c.dead = 0
WHERE d.dead = 0 AND d.titled > ?
"""

_PAYLOAD = """
SELECT c.slot, c.chunk_id, c.document_id, c.ordinal, c.heading_path, c.text, c.kind, c.checksum,
       coalesce(d.title, ''), coalesce(d.url, '')
FROM chunks c LEFT JOIN documents d ON d.document_id = c.document_id
WHERE c.slot IN ({})
"""
_UNITS = "SELECT slot, encoded, vectors, checksum FROM units WHERE slot IN ({})"
_CHUNK_IDS = "SELECT slot, chunk_id FROM chunks WHERE slot IN ({})"
# How many slots one statement asks for.
_SLOTS_AT_ONCE = 64

Row = tuple[Any, ...]


def chunk_ids(connection: sqlite3.Connection, slots: Sequence[int]) -> dict[int, str]:
    """Return the ids of passages."""
    return dict(_of_slots(connection, _CHUNK_IDS, slots))


def passages(connection: sqlite3.Connection, slots: Sequence[int]) -> dict[int, Passage]:
    """Return passages. Raises StoreDamaged."""
    found = {}
    for slot, *fields, stored, title, url in _of_slots(connection, _PAYLOAD, slots):
        _require(stored == checksum(*fields), "a passage")
        chunk_id, document_id, ordinal, heading_path, text, kind = fields
        headings = unpacked(heading_path)
        found[slot] = Passage(chunk_id, document_id, title, url, headings, text, ordinal, kind)
    _require_all(found, slots)
    return found


def units(connection: sqlite3.Connection, slots: Sequence[int]) -> dict[int, Units]:
    """Return the units of passages. Raises StoreDamaged."""
    found = {}
    for slot, encoded, vectors, stored in _of_slots(connection, _UNITS, slots):
        _require(stored == units_checksum(slot, encoded, vectors), "a passage's units")
        found[slot] = Units(encoded, vectors)
    _require_all(found, slots)
    return found


def stored_passages(rows: Sequence[Row], dimensions: int) -> StoredPassages:
    """Return rows as the index takes them. Raises StoreDamaged."""
    slots, documents, texts, blobs = [], [], [], []
    for slot, *fields, stored, title, vector, vector_sum in rows:
        _require(stored == checksum(*fields), "a passage")
        _require(vector is not None and zlib.crc32(vector) == vector_sum, "a vector")
        _, document_id, _, heading_path, text, _ = fields
        slots.append(slot)
        documents.append(document_id)
        texts.append(searchable_words(title, unpacked(heading_path), text))
        blobs.append(vector)
    vectors = _matrix(b"".join(blobs), len(rows), dimensions)
    return StoredPassages(np.array(slots, dtype=np.int64), documents, vectors, texts)


def words(rows: Sequence[Row]) -> Iterator[tuple[int, str]]:
    """Yield slots with their searchable words."""
    for slot, title, heading_path, text in rows:
        yield slot, searchable_words(title, unpacked(heading_path), text)


def _matrix(raw: bytes, rows: int, dimensions: int) -> FloatMatrix:
    _require(len(raw) == rows * dimensions * 4, "a vector's length")
    return np.frombuffer(raw, dtype="<f4").astype(np.float32, copy=False).reshape(rows, dimensions)


def _of_slots(connection: sqlite3.Connection, statement: str, slots: Sequence[int]) -> list[Row]:
    """Return the rows of slots; statements of few lengths, so that they stay prepared."""
    rows: list[Row] = []
    for start in range(0, len(slots), _SLOTS_AT_ONCE):
        some = slots[start : start + _SLOTS_AT_ONCE]
        rows += connection.execute(statement.format(",".join("?" * len(some))), some).fetchall()
    return rows


def _require(sound: bool, what: str) -> None:
    if not sound:
        raise StoreDamaged(f"{what} does not fit its checksum")


def _require_all(found: dict[int, Any], slots: Sequence[int]) -> None:
    if len(found) != len(set(slots)):
        raise StoreDamaged("a passage that the index has is missing from the file")
