"""The store: the repositories of one transaction, brought together."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import sqlalchemy as sa

from services.kernel.clock import Clock
from services.knowledge.storage.answers import SqlAnswers
from services.knowledge.storage.bases import SqlBases
from services.knowledge.storage.chunks import SqlChunks
from services.knowledge.storage.deletions import SqlDeletions
from services.knowledge.storage.document_versions import SqlVersions
from services.knowledge.storage.documents import SqlDocuments
from services.knowledge.storage.feed import SqlFeed
from services.knowledge.storage.history import SqlHistory
from services.knowledge.storage.operations import SqlOperations
from services.knowledge.storage.past import SqlPast
from services.knowledge.storage.queue import SqlQueue
from services.knowledge.storage.reindexes import SqlReindexes
from services.knowledge.storage.replicas import SqlReplicas
from services.knowledge.storage.stocks import SqlStocks
from services.knowledge.storage.tables import (
    CHUNK_VERSIONS,
    CHUNKS,
    CONTENTS,
    DOCUMENT_TAGS,
    DOCUMENT_VERSIONS,
    DOCUMENTS,
    IDEMPOTENCY_KEYS,
)
from services.runtime.database import Database, migrate, open_database
from services.runtime.idempotency import Idempotency

_SCHEMA = "knowledge"
# What a deletion of a document touches.
_WITH_TEXT = (
    DOCUMENTS,
    CONTENTS,
    DOCUMENT_TAGS,
    DOCUMENT_VERSIONS,
    CHUNKS,
    CHUNK_VERSIONS,
    IDEMPOTENCY_KEYS,
)
_VERSIONS = Path(__file__).parent / "versions"


class SqlTransaction:
    """The repositories on one connection."""

    def __init__(self, connection: sa.Connection, database: Database, idempotency: Idempotency) -> None:
        self._connection = connection
        self._insert = database.insert
        self._idempotency = idempotency

    @cached_property
    def bases(self) -> SqlBases:
        return SqlBases(self._connection, self._insert)

    @cached_property
    def documents(self) -> SqlDocuments:
        return SqlDocuments(self._connection)

    @cached_property
    def chunks(self) -> SqlChunks:
        return SqlChunks(self._connection, self._insert)

    @cached_property
    def queue(self) -> SqlQueue:
        return SqlQueue(self._connection, self._insert, self.bases)

    @cached_property
    def operations(self) -> SqlOperations:
        return SqlOperations(self._connection)

    @cached_property
    def reindexes(self) -> SqlReindexes:
        return SqlReindexes(self._connection)

    @cached_property
    def history(self) -> SqlHistory:
        return SqlHistory(self._connection)

    @cached_property
    def feed(self) -> SqlFeed:
        return SqlFeed(self._connection)

    @cached_property
    def replicas(self) -> SqlReplicas:
        return SqlReplicas(self._connection, self._insert)

    @cached_property
    def answers(self) -> SqlAnswers:
        return SqlAnswers(self._connection, self._idempotency)

    @cached_property
    def stocks(self) -> SqlStocks:
        return SqlStocks(self._connection, self._insert)

    @cached_property
    def versions(self) -> SqlVersions:
        return SqlVersions(self._connection)

    @cached_property
    def past(self) -> SqlPast:
        return SqlPast(self._connection)

    @cached_property
    def deletions(self) -> SqlDeletions:
        return SqlDeletions(self._connection)


class SqlStore:
    """SQLite or PostgreSQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._idempotency = Idempotency(database, IDEMPOTENCY_KEYS, clock)

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        """Begin a transaction that commits durably at its end."""
        with self._database.write() as connection:
            yield SqlTransaction(connection, self._database, self._idempotency)

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """Begin a snapshot."""
        with self._database.read() as connection:
            yield SqlTransaction(connection, self._database, self._idempotency)

    def scrub(self) -> None:
        """Leave nothing in the database's files of what committed transactions have deleted or replaced."""
        self._database.scrub(_WITH_TEXT)

    def prune(self) -> int:
        """Forget some of the answers that are kept no longer, of all workspaces; return how many."""
        return self._idempotency.prune()

    def close(self) -> None:
        """Close all connections."""
        self._database.close()


def open_store(url: str, clock: Clock) -> SqlStore:
    """Open the database and bring its tables up to date."""
    database = open_database(url, _SCHEMA)
    migrate(database, _VERSIONS)
    return SqlStore(database, clock)
