"""
Idempotency: the first answer to an `Idempotency-Key`, given again for 24 hours.

The answer commits with the write that it answers, so that neither exists without the other.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from psycopg.errors import LockNotAvailable

from services.kernel.clock import Clock, SystemClock
from services.kernel.errors import DomainError, ErrorKind, InvalidArgument, Unavailable, Violation
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database, UtcDateTime

KEPT = timedelta(hours=24)
MAX_KEY_LENGTH = 255

_PRUNING_SECONDS = 300.0
_PRUNED_AT_ONCE = 1000

_log = structlog.get_logger(__name__)


class IdempotencyKeyReused(DomainError):
    """The key was used with another body."""

    kind = ErrorKind.FAILED_PRECONDITION
    reason = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with another body.")


class IdempotencyKeyInFlight(DomainError):
    """The first request with this key has not been answered yet."""

    kind = ErrorKind.ABORTED
    reason = "IDEMPOTENCY_KEY_IN_FLIGHT"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is being worked on.")


@dataclass(frozen=True)
class IdempotencyScope:
    """What a key is unique within: the workspace, the API key and the method."""

    workspace_id: WorkspaceId
    principal: str
    method: str
    key: str


def check_key(key: str) -> None:
    """Raise InvalidArgument for a key that is too long."""
    if len(key) > MAX_KEY_LENGTH:
        detail = f"the Idempotency-Key is longer than {MAX_KEY_LENGTH} characters"
        raise InvalidArgument.of([Violation("", detail)])


def request_hash(request: bytes) -> str:
    """Return what tells one body from another."""
    return hashlib.sha256(request).hexdigest()


def idempotency_table(metadata: sa.MetaData, *more: sa.schema.SchemaItem) -> sa.Table:
    """Return the store's table for a service's own metadata; `more`: what the service notes of an answer."""
    return sa.Table(
        "idempotency_keys",
        metadata,
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("principal", sa.Text, primary_key=True),
        sa.Column("method", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("response", sa.LargeBinary, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Index("idempotency_keys_by_age", "created_at"),
        *more,
    )


class Idempotency:
    """The stored answers of one service."""

    def __init__(self, database: Database, table: sa.Table, clock: Clock | None = None) -> None:
        self._database = database
        self._table = table
        self._clock = clock or SystemClock()

    def replay(self, connection: sa.Connection, scope: IdempotencyScope, request: str) -> bytes | None:
        """
        Return the first answer, or None: the caller then works and calls `remember` in the same transaction.

        `request` is the `request_hash` of the body. A second request with the key waits for the first one's
        transaction.

        Raises:
            IdempotencyKeyReused, IdempotencyKeyInFlight: as they say.
            InvalidArgument: the key is longer than 255 characters.
        """
        check_key(scope.key)
        now, t = self._clock.now(), self._table
        # Its own alone: a workspace may have hundreds of thousands, which `prune` deletes.
        connection.execute(t.delete().where(*self._is(scope), t.c.created_at <= now - KEPT))
        claim = (
            self._database.insert(t)
            .values(**vars(scope), request_hash=request, created_at=now)
            .on_conflict_do_nothing()
            .returning(t.c.key)
        )
        try:
            claimed = connection.execute(claim).one_or_none()
        except sa.exc.OperationalError as error:
            if isinstance(error.orig, LockNotAvailable):
                raise IdempotencyKeyInFlight from None
            raise
        if claimed is not None:
            return None
        stored = connection.execute(sa.select(t.c.request_hash, t.c.response).where(*self._is(scope))).one()
        if stored.request_hash != request:
            raise IdempotencyKeyReused
        if stored.response is None:
            raise IdempotencyKeyInFlight
        return bytes(stored.response)

    def remember(self, connection: sa.Connection, scope: IdempotencyScope, response: bytes) -> None:
        """Keep the answer of a request that `replay` let through."""
        connection.execute(self._table.update().where(*self._is(scope)).values(response=response))

    def prune(self) -> int:
        """Delete some of what is older than 24 hours, of all workspaces; return how many."""
        return prune(self._database, self._table, self._clock.now())

    def _is(self, scope: IdempotencyScope) -> tuple[sa.ColumnElement[bool], ...]:
        c = self._table.c
        return (
            c.workspace_id == scope.workspace_id,
            c.principal == scope.principal,
            c.method == scope.method,
            c.key == scope.key,
        )


def prune(database: Database, table: sa.Table, now: datetime) -> int:
    """Delete about 1,000 rows, the eldest of those older than 24 hours; return how many."""
    age = table.c.created_at
    eldest = sa.select(age).where(age <= now - KEPT).order_by(age).limit(_PRUNED_AT_ONCE).subquery()
    newest_of_them = sa.select(sa.func.max(eldest.c.created_at)).scalar_subquery()
    with database.write() as connection:
        return connection.execute(table.delete().where(age <= newest_of_them)).rowcount


class Pruning:
    """A thread that deletes what is over, also where nobody asks again: answers hold what people wrote."""

    def __init__(self, prune: Callable[[], int]) -> None:
        """`prune` deletes some and returns how many."""
        self._prune = prune
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pruning", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._thread.join()

    def prune_all(self) -> None:
        """Delete all that is over, in several transactions; while the database is away, leave it."""
        try:
            while self._prune() and not self._stopping.is_set():
                pass
        except Unavailable:
            pass
        except Exception as error:
            _log.error("pruning_failed", exc_info=error)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.prune_all()
            self._stopping.wait(_PRUNING_SECONDS)
