"""The tables of a workspace's file and how its rows are checked."""

import json
import zlib
from collections.abc import Sequence

APPLICATION_ID = 0x53415653
FORMAT_VERSION = 4

# What `dead` says of a row.
LIVE, DYING, BURIED = 0, 1, 2

# A passage that goes is first dying, so that a search under way still finds its payload; the next transaction
# buries it. AUTOINCREMENT: a slot is never given out twice, so that a graph that names slots fits every later
# state of the file. `titled` is the revision at which a document's title last changed: a lexical index of an
# earlier one has other words for its passages. Units have a table of their own, since most searches don't
# read them; every passage has a row there, so that a lost one is noticed.
#
# Tables that hold text are only appended to, and a row that goes is emptied in place: burying it. SQLite
# overwrites what it deletes (secure_delete), but rows that it moves, when a page is full or nearly empty,
# leave copies in the page's free space that no later deletion reaches. Pages of rows that are appended are
# never split, and emptied rows keep theirs from being merged; VACUUM writes new pages, without free space.
# So no index may hold text either. `buried` counts rows of passages and
# documents buried since the file was last packed.
TABLES = """
CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    workspace_id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    file_id TEXT NOT NULL,
    model TEXT NOT NULL,
    dimensions INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    erased_revision INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    buried INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id TEXT UNIQUE,
    title TEXT NOT NULL,
    url TEXT NOT NULL,
    tags TEXT NOT NULL,
    locale TEXT NOT NULL,
    authenticated INTEGER NOT NULL,
    active INTEGER NOT NULL,
    titled INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    dead INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE chunks (
    slot INTEGER PRIMARY KEY AUTOINCREMENT,
    chunk_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    heading_path TEXT NOT NULL,
    text TEXT NOT NULL,
    kind TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    dead INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX live_chunk_ids ON chunks (chunk_id) WHERE dead = 0;
CREATE INDEX live_chunk_documents ON chunks (document_id, dead) WHERE dead = 0;
CREATE INDEX dying_chunks ON chunks (slot) WHERE dead = 1;
CREATE INDEX dying_documents ON documents (number) WHERE dead = 1;
CREATE TABLE vectors (slot INTEGER PRIMARY KEY, vector BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE units (
    slot INTEGER PRIMARY KEY,
    encoded BLOB NOT NULL,
    vectors BLOB NOT NULL,
    checksum INTEGER NOT NULL
);
"""


def checksum(*fields: str | int) -> int:
    """Return a checksum over a row's fields: SQLite itself does not notice a changed byte in a value."""
    return zlib.crc32("\x1f".join(map(str, fields)).encode())


def units_checksum(slot: int, encoded: bytes, vectors: bytes) -> int:
    """Return a checksum over a passage's units, which tells those of another slot apart."""
    return zlib.crc32(vectors, zlib.crc32(encoded, slot & 0xFFFFFFFF))


def packed(strings: Sequence[str]) -> str:
    """Return strings as one column's value."""
    return json.dumps(list(strings), ensure_ascii=False, separators=(",", ":"))


def unpacked(column: str) -> tuple[str, ...]:
    """Return the strings of a column."""
    return tuple(json.loads(column))
