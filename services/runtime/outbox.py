"""
The outbox: messages that commit with the work and are delivered afterwards.

Per stream in order, at least once; a receiver that knows a message's id makes it exactly once.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from prometheus_client import Gauge

from services.kernel.clock import Clock, SystemClock
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database, UtcDateTime

WAITING = Gauge("outbox_waiting", "Messages that wait for delivery.")

_BATCH = 100
_FIRST_RETRY_SECONDS = 0.1
_LAST_RETRY_SECONDS = 5.0

_log = structlog.get_logger(__name__)


def outbox_table(metadata: sa.MetaData) -> sa.Table:
    """Return the outbox's table for a service's own metadata."""
    return sa.Table(
        "outbox",
        metadata,
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", UtcDateTime, nullable=False),
        sa.Index("outbox_by_stream", "workspace_id", "stream", "sequence"),
        # A number that is used again would let a new message take an old one's place.
        sqlite_autoincrement=True,
    )


@dataclass(frozen=True)
class Message:
    """One message: `stream` is what must stay in order, `kind` and `payload` are the sender's."""

    sequence: int
    workspace_id: WorkspaceId
    stream: str
    kind: str
    payload: bytes
    attempts: int = 0


class Outbox:
    """The messages of one service."""

    def __init__(self, database: Database, table: sa.Table, clock: Clock | None = None) -> None:
        self._database = database
        self._table = table
        self._clock = clock or SystemClock()
        self.wake = threading.Event()

    def put(
        self, connection: sa.Connection, workspace_id: WorkspaceId, stream: str, kind: str, payload: bytes
    ) -> None:
        """Add a message within the caller's transaction."""
        connection.execute(
            self._table.insert().values(
                workspace_id=workspace_id,
                stream=stream,
                kind=kind,
                payload=payload,
                not_before=self._clock.now(),
            )
        )
        self.wake.set()

    def pending(self, connection: sa.Connection, workspace_id: WorkspaceId, stream: str) -> list[Message]:
        """Return what waits in a stream, oldest first."""
        t = self._table
        rows = connection.execute(
            sa.select(t).where(t.c.workspace_id == workspace_id, t.c.stream == stream).order_by(t.c.sequence)
        )
        return [_message(row) for row in rows]

    def due(self) -> list[Message]:
        """Return the head of each stream whose time has come, of all workspaces, oldest first."""
        t = self._table
        heads = sa.select(sa.func.min(t.c.sequence)).group_by(t.c.workspace_id, t.c.stream)
        with self._database.read() as connection:
            WAITING.set(connection.execute(sa.select(sa.func.count()).select_from(t)).scalar_one())
            rows = connection.execute(
                sa.select(t)
                .where(t.c.sequence.in_(heads), t.c.not_before <= self._clock.now())
                .order_by(t.c.sequence)
                .limit(_BATCH)
            )
            return [_message(row) for row in rows]

    def delivered(self, message: Message) -> None:
        """Forget a message."""
        with self._database.write() as connection:
            connection.execute(self._table.delete().where(self._mine(message)))

    def postpone(self, message: Message) -> datetime:
        """Try a message again later, and its stream with it; return when."""
        delay = min(_LAST_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2 ** min(message.attempts, 10))
        due = self._clock.now() + timedelta(seconds=delay)
        with self._database.write() as connection:
            connection.execute(
                self._table.update()
                .where(self._mine(message))
                .values(attempts=message.attempts + 1, not_before=due)
            )
        return due

    def _mine(self, message: Message) -> sa.ColumnElement[bool]:
        t = self._table
        return sa.and_(t.c.workspace_id == message.workspace_id, t.c.sequence == message.sequence)


class OutboxDelivery:
    """A thread that delivers."""

    def __init__(self, outbox: Outbox, deliver: Callable[[Message], None]) -> None:
        """`deliver` raises when a message must be tried again; it may see a message twice."""
        self._outbox = outbox
        self._deliver = deliver
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin; what an earlier process left behind comes first."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the message at hand and end."""
        self._stopping.set()
        self._outbox.wake.set()
        self._thread.join()

    def deliver_due(self) -> int:
        """Deliver what is due once; return how many messages arrived."""
        arrived = 0
        for message in self._outbox.due():
            if self._stopping.is_set():
                break
            arrived += self._try(message)
        return arrived

    def _try(self, message: Message) -> bool:
        try:
            self._deliver(message)
        except Exception as error:
            due = self._outbox.postpone(message)
            expected = isinstance(error, DomainError) and error.kind in (
                ErrorKind.UNAVAILABLE,
                ErrorKind.DEADLINE_EXCEEDED,
            )
            _log.warning(
                "delivery_postponed",
                sequence=message.sequence,
                kind=message.kind,
                until=due.isoformat(),
                exc_info=None if expected else error,
            )
            return False
        self._outbox.delivered(message)
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                arrived = self.deliver_due()
            except DomainError:
                arrived = 0
            except Exception as error:
                _log.error("delivery_failed", exc_info=error)
                arrived = 0
            if not arrived:
                self._outbox.wake.wait(_FIRST_RETRY_SECONDS * 2)
                self._outbox.wake.clear()


def _message(row: sa.Row[tuple[object, ...]]) -> Message:
    return Message(
        row.sequence, WorkspaceId(row.workspace_id), row.stream, row.kind, bytes(row.payload), row.attempts
    )
