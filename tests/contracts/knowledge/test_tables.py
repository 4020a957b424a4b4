"""The tables: the migrations make what the code says, and tenancy is in every signature."""

import inspect
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.kernel.clock import SystemClock
from services.knowledge.domain.ports.answers import Answers
from services.knowledge.domain.ports.bases import Bases
from services.knowledge.domain.ports.deletions import Deletions
from services.knowledge.domain.ports.documents import Chunks, Documents
from services.knowledge.domain.ports.feed import Feed, Replicas
from services.knowledge.domain.ports.history import History
from services.knowledge.domain.ports.operations import Operations
from services.knowledge.domain.ports.past import Past
from services.knowledge.domain.ports.queue import Queue
from services.knowledge.domain.ports.reindexes import Reindexes
from services.knowledge.domain.ports.stocks import Stocks
from services.knowledge.domain.ports.versions import Versions
from services.knowledge.storage import versions
from services.knowledge.storage.store import SqlStore, SqlTransaction, open_store
from services.knowledge.storage.tables import CHUNKS, METADATA, REPLICAS
from services.runtime.database import migrate, open_database

# What is about all workspaces by its nature.
_ACROSS = {
    "Queue.waits",
    "Queue.claim",
    "Queue.renew",
    "Queue.left_alone",
    "Bases.reindexing",
    "Deletions.waiting",
    "Versions.expired",
    "History.with_ended",
    "History.with_buried",
    "Reindexes.discarded",
    "Replicas.following",
    "Replicas.hold_still",
    "Replicas.renew",
    "Replicas.behind",
    "Replicas.confirmable",
    "Stocks.unreported",
    "Stocks.reported",
}
_REPOSITORIES = [
    Bases,
    Documents,
    Chunks,
    Queue,
    Operations,
    Reindexes,
    History,
    Versions,
    Past,
    Deletions,
    Feed,
    Replicas,
    Answers,
    Stocks,
]


def test_migrations_make_the_tables_of_the_code(database_url: str) -> None:
    """There is no difference between the two, and migrating twice is none either."""
    open_store(database_url, SystemClock()).close()
    store = open_store(database_url, SystemClock())
    with _engine(store).connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, METADATA)
    store.close()
    assert [each for each in differences if "alembic_version" not in repr(each)] == []


def test_passages_of_before_units_are_kept(database_url: str, tmp_path: Path) -> None:
    """An upgrade loses no passage: what is there becomes a passage without units."""
    first = tmp_path / "versions"
    first.mkdir()
    shutil.copy(Path(versions.__file__).parent / "0001_initial.py", first)
    database = open_database(database_url, "knowledge")
    migrate(database, first)
    with database.write() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO chunks (workspace_id, generation, id, document_id, ordinal, heading_path, text,"
                " tokens, vector, bytes, revision, deleted)"
                " VALUES ('ws', 1, 'chk', 'doc', 0, '[]', 'Text.', 2, :vector, 9, 1, false)"
            ),
            {"vector": b"1234"},
        )
    database.close()
    store = open_store(database_url, SystemClock())
    with _engine(store).connect() as connection:
        row = connection.execute(sa.select(CHUNKS)).one()
    store.close()
    assert (row.text, row.vector, row.kind, row.units, row.unit_vectors) == (
        "Text.",
        b"1234",
        "passage",
        None,
        None,
    )


def test_every_table_of_a_workspace_begins_with_it() -> None:
    """The workspace is the first column of every key, replicas aside."""
    for table in METADATA.sorted_tables:
        if table is not REPLICAS:
            assert next(iter(table.primary_key)).name == "workspace_id", table.name


@pytest.mark.parametrize("port", _REPOSITORIES)
def test_every_repository_method_takes_the_workspace_first(port: type) -> None:
    """Nobody can forget whose data it is; the few methods across workspaces are named here."""
    implementation = inspect.get_annotations(
        SqlTransaction.__dict__[port.__name__.lower()].func, eval_str=True
    )["return"]
    for name, method in inspect.getmembers(implementation, inspect.isfunction):
        if name.startswith("_") or f"{port.__name__}.{name}" in _ACROSS:
            continue
        assert list(inspect.signature(method).parameters)[1] == "workspace_id", f"{port.__name__}.{name}"


def _engine(store: SqlStore) -> sa.Engine:
    return store._database.engine
