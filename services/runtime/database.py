"""
Databases: SQLite (WAL) and PostgreSQL behind one small face.

SQLAlchemy Core only. A `write` is one transaction, a `read` one snapshot; leaving a write by an exception
rolls it back.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite

from services.kernel.errors import Unavailable
from services.runtime.writer_queue import WriterQueue

# Waits longer than this for a lock mean that something is stuck.
_BUSY_SECONDS = 5
# How long writers may have to wait until a scrub begins, and what can be written anew in about a second.
_SCRUB_MILLISECONDS = 500
_REWRITTEN_BYTES = 64 * 1024 * 1024
# A server that is gone without a word is noticed within 15 s, not when the system's TCP gives up.
_PRESENCE = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# A process that starts waits longer: another one may be migrating.
_MIGRATION_SECONDS = 300

# By transaction ids, which are counted modulo 2^32.
_NEXT_TRANSACTION = sa.text("SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text)")
_EARLIER_SNAPSHOT = sa.text(
    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND datname = current_database() AND backend_type = 'client backend'"
    " AND greatest(age(backend_xmin), age(backend_xid)) > age(CAST(:horizon AS xid)))"
)

_log = structlog.get_logger(__name__)


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An instant: aware, in UTC, to the microsecond, in both databases."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Take an aware instant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return an aware instant."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


class Database:
    """One service's database."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        self._writer = engine.execution_options(writes=True)
        self._reader = (
            engine
            if self._sqlite
            else engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        )
        self._queue = WriterQueue(str(engine.url.database), _BUSY_SECONDS) if self._sqlite else None

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """
        One transaction, committed durably at the end.

        Raises:
            Unavailable: the database does not answer or stays locked. Nothing was written, unless it went
                away in the midst of the commit.
        """
        with _unavailable_when_gone(), self._turn() as begun, self._writer.begin() as connection:
            begun()
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """
        One snapshot: all reads see the same state.

        Raises:
            Unavailable: the database does not answer.
        """
        with _unavailable_when_gone(), self._reader.begin() as connection:
            yield connection

    def lock(self, connection: sa.Connection, name: str, *, shared: bool = False) -> None:
        """Hold a lock until the end of a transaction that writes; `shared` ones go together."""
        if not self._sqlite:  # where writers are alone anyway
            lock = sa.func.pg_advisory_xact_lock_shared if shared else sa.func.pg_advisory_xact_lock
            connection.execute(sa.select(lock(sa.func.hashtextextended(name, 0))))

    def scrub(self, tables: Sequence[sa.Table]) -> None:
        """
        Leave nothing in the files of what committed transactions have deleted or replaced in these tables.

        SQLite overwrites it where it lay (`secure_delete`), but not the copies that it leaves in the unused
        part of a page when rows move to another: a file of up to 64 MB is written anew, in a larger one three
        of a thousand deleted rows leave some words. Its log is emptied. PostgreSQL takes rows out of their
        pages (VACUUM); bytes stay in free space and in its log until these are used again.

        Raises:
            Unavailable: somebody still reads what was there before; to be tried again.
        """
        with _unavailable_when_gone(), self._turn() as begun:
            begun()
            if self._sqlite:
                self._rewrite()
            else:
                self._vacuum(tables)

    def _rewrite(self) -> None:
        with closing(self.engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"PRAGMA busy_timeout={_SCRUB_MILLISECONDS}")
            # No copy of it in another file.
            cursor.execute("PRAGMA temp_store=MEMORY")
            try:
                _empty_log(cursor)
                if _size(cursor) <= _REWRITTEN_BYTES:
                    cursor.execute("VACUUM")
                    _empty_log(cursor)
            except sqlite3.OperationalError as error:
                raise Unavailable("Somebody still uses what was deleted.") from error
            finally:
                cursor.execute("PRAGMA temp_store=DEFAULT")
                cursor.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")

    def _vacuum(self, tables: Sequence[sa.Table]) -> None:
        with self.engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            _await_earlier_snapshots(alone)
            for table in tables:
                alone.exec_driver_sql(f"VACUUM {table.name}")

    def insert(self, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
        """Return this database's INSERT, which knows ON CONFLICT."""
        return sqlite.insert(table) if self._sqlite else postgresql.insert(table)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _turn(self) -> AbstractContextManager[Callable[[], None]]:
        return nullcontext(lambda: None) if self._queue is None else self._queue.turn()


def open_database(url: str, schema: str) -> Database:
    """
    Open `sqlite:///path` or `postgresql+psycopg://…`.

    On PostgreSQL the service's tables live in `schema`, made when missing: services can share a server.
    """
    parsed = sa.make_url(url)
    serializer = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(
            parsed,
            json_serializer=serializer,
            hide_parameters=True,
            pool_size=20,
            max_overflow=20,
            connect_args={"timeout": _BUSY_SECONDS},
        )
        sa.event.listen(engine, "connect", _configure_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return Database(engine)
    options = f"-csearch_path={schema} -clock_timeout={_BUSY_SECONDS}s"
    engine = sa.create_engine(
        parsed,
        json_serializer=serializer,
        # What callers sent has no place in the text of an exception, which is logged.
        hide_parameters=True,
        pool_size=20,
        max_overflow=20,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": _BUSY_SECONDS, **_PRESENCE},
    )
    with engine.begin() as connection:
        _lock_schema(connection, schema)
        connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
    return Database(engine)


def migrate(database: Database, versions: Path) -> None:
    """
    Bring the tables up to the newest of the Alembic revisions in `versions`, in one transaction.

    Processes that start together wait for each other.
    """
    script = ScriptDirectory(dir=str(versions.parent), version_locations=[str(versions)])
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            _lock_schema(connection, "migrations")

        def upgrade(revision: Any, _context: Any) -> Any:
            return script._upgrade_revs("head", revision)

        environment = EnvironmentContext(Config(), script, fn=upgrade)
        environment.configure(connection=connection)
        environment.run_migrations()


def _lock_schema(connection: sa.Connection, name: str) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_MIGRATION_SECONDS}s'")
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_BUSY_SECONDS}s'")


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions of its own: `_begin_sqlite` does.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={_BUSY_SECONDS * 1000}",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that begins as a reader and then writes can fail at once with "locked".
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _unavailable_when_gone() -> Iterator[None]:
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        # SQLite calls a wrong statement operational too; trying it again helps nobody.
        if getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise
        _log.warning("database_unavailable", error=str(error.__cause__ or error))
        raise Unavailable("The database does not answer.") from error


def _await_earlier_snapshots(connection: sa.Connection) -> None:
    """VACUUM leaves where it is, without a word, what somebody's older snapshot still has."""
    horizon = int(connection.execute(_NEXT_TRANSACTION).scalar_one()) % 2**32
    until = time.monotonic() + _SCRUB_MILLISECONDS / 1000
    while connection.execute(_EARLIER_SNAPSHOT, {"horizon": str(horizon)}).scalar_one():
        if time.monotonic() >= until:
            raise Unavailable("Somebody still reads what was deleted.")
        time.sleep(0.02)


def _size(cursor: Any) -> int:
    """The bytes of a SQLite database."""
    return int(
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
    )


def _empty_log(cursor: Any) -> None:
    blocked, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if blocked:
        raise Unavailable("Somebody still reads what was deleted.")
