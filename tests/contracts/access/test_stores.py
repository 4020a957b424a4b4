"""Access's stores: the fake, SQLite and PostgreSQL keep the same promises."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.access.domain.audit import Event
from gateway.access.domain.errors import KeyNotRotatable
from gateway.access.domain.keys.key import Key, OwnedKey, Rotation
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.ports import WorkspaceChange
from gateway.access.domain.workspaces.workspace import Workspace
from gateway.access.domain.workspaces.workspace_patch import WorkspacePatch
from gateway.access.storage.schema import audit, keys, metadata, workspaces
from services.kernel.errors import Unavailable
from services.runtime.database import Database, migrate, open_database
from tests.contracts.access.audit_contract import AuditContract
from tests.contracts.access.given import NOW, an_entry, key_in, workspace_in
from tests.contracts.access.keys_contract import KeysContract
from tests.contracts.access.stores import VERSIONS, Stores, database, fake_stores, stores_on
from tests.contracts.access.workspaces_contract import WorkspacesContract

__all__ = ["database"]


class TestFakeStores(WorkspacesContract, KeysContract, AuditContract):
    """The shared suite on the fakes."""

    @pytest.fixture
    def stores(self) -> Stores:
        """Return empty stores in memory."""
        return fake_stores()


class TestDatabaseStores(WorkspacesContract, KeysContract, AuditContract):
    """The shared suite on both databases."""

    @pytest.fixture
    def stores(self, database: Database) -> Stores:
        """Return empty stores on a database."""
        return stores_on(database)


def test_migrations_make_the_tables_of_the_schema(database: Database) -> None:
    """What the migrations make is what the code expects: columns, their nullability, indexes."""
    inspector = sa.inspect(database.engine)
    for table in metadata.sorted_tables:
        made = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        assert made == {column.name: column.nullable for column in table.columns}
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes


def test_what_was_there_before_stays_what_it_was(database_url: str, tmp_path: Path) -> None:
    """Workspaces and keys of the first version are open, with the plan's limits, and secret ones."""
    first = tmp_path / "versions"
    first.mkdir()
    shutil.copy(VERSIONS / "0001_workspaces_and_keys.py", first)
    database = open_database(database_url, "access")
    migrate(database, first)
    acme = Workspace.create("acme", "", NOW)
    key, _ = KeyWish("acme", scopes=("query",)).grant(acme, NOW)
    with database.write() as connection:
        for row_id, live_id in ((acme.id, None), (acme.test_id, acme.id)):
            connection.execute(
                sa.text("INSERT INTO workspaces VALUES (:id, :live_id, :environment, 'acme', 'growth', :at)"),
                {
                    "id": row_id,
                    "live_id": live_id,
                    "environment": "test" if live_id else "live",
                    "at": NOW.replace(tzinfo=None) if connection.dialect.name == "sqlite" else NOW,
                },
            )
        insert = sa.insert(keys).values(
            id=key.id,
            public_id=key.public_id,
            secret_hash=key.secret_hash,
            workspace_id=acme.id,
            environment="live",
            name="",
            scopes=["query"],
            created_at=NOW,
        )
        connection.execute(insert)
    migrate(database, VERSIONS)
    assert stores_on(database).keys.find(key.public_id) == OwnedKey(key, acme)
    database.close()


def test_no_secret_is_stored(database: Database) -> None:
    """Neither the whole key nor its secret is anywhere in the row."""
    stores = stores_on(database)
    workspace = workspace_in(stores, "acme")
    key, presented = KeyWish("acme", scopes=("query",)).grant(workspace, NOW)
    stores.keys.add(key, an_entry(workspace.id))
    with database.read() as connection:
        row = connection.execute(sa.select(keys)).one()
    assert presented.secret not in repr(tuple(row))


def test_both_rows_of_a_pair_say_the_same(database: Database) -> None:
    """Whoever reads a twin's row finds its workspace's plan, limits and end."""
    stores = stores_on(database)
    acme = workspace_in(stores, "acme")
    workspace_in(stores, "other")
    after = WorkspacePatch("scale", {"queries": 5}).apply(acme).close(NOW)
    stores.workspaces.change("acme", lambda _: (after, an_entry(acme.id)))
    told = sa.select(workspaces.c.plan, workspaces.c.limits, workspaces.c.deleted_at)
    with database.read() as connection:
        rows = [tuple(row) for row in connection.execute(told.order_by(workspaces.c.name, workspaces.c.id))]
    assert rows == [("scale", {"queries": 5}, NOW)] * 2 + [("growth", {}, None)] * 2


@pytest.mark.parametrize(
    "statement", [sa.update(audit).values(actor="nobody"), sa.delete(audit), sa.text("DELETE FROM audit")]
)
def test_the_audit_can_not_be_changed(database: Database, statement: sa.Executable) -> None:
    """The database itself refuses to change or take away an entry."""
    stores = stores_on(database)
    stores.audit.append([an_entry("ws_a")])
    before = stores.audit.page(None, None, 10, None)
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), database.write() as connection:
        connection.execute(statement)
    assert stores.audit.page(None, None, 10, None) == before


def test_no_change_without_its_entry(database: Database) -> None:
    """Where the entry can't be kept, what it tells of is not kept either."""
    stores = stores_on(database)
    acme = workspace_in(stores, "acme")
    key = key_in(stores, acme)
    taken = stores.audit.page(None, Event.KEY_CREATED, 1, None)[0]
    other, _ = KeyWish("acme", scopes=("query",)).grant(acme, NOW)
    for change in (
        lambda: stores.keys.add(other, taken),
        lambda: stores.keys.change(key.id, lambda owned: _rotation(owned, taken.id)),
        lambda: stores.workspaces.change("acme", lambda before: (before.close(NOW), taken)),
        lambda: stores.workspaces.add(Workspace.create("other", "", NOW), taken),
    ):
        with pytest.raises(sa.exc.IntegrityError):
            change()
    assert stores.keys.page(acme, 10, None) == [key]
    assert stores.workspaces.page(10, None) == [acme]


def test_of_many_rotations_at_once_one_succeeds(database: Database) -> None:
    """A key gets one successor, however many ask at the same time."""
    stores = stores_on(database)
    acme = workspace_in(stores, "acme")
    key = key_in(stores, acme)

    def rotate(_: int) -> Key | None:
        try:
            return stores.keys.change(key.id, _rotation).successor
        except KeyNotRotatable:
            return None

    with ThreadPoolExecutor(8) as pool:
        successors = [each for each in pool.map(rotate, range(8)) if each is not None]
    assert len(successors) == 1
    assert {each.id for each in stores.keys.page(acme, 10, None)} == {key.id, successors[0].id}


def test_limits_that_are_set_at_once_are_all_kept(database: Database) -> None:
    """Changes of one workspace come one after the other, each beginning from the one before."""
    stores = stores_on(database)
    acme = workspace_in(stores, "acme")
    limits = {"queries": 1, "documents": 2, "bytes": 3, "action_runs": 4}

    def update(name: str) -> None:
        def rule(before: Workspace) -> WorkspaceChange:
            return WorkspacePatch("", {name: limits[name]}).apply(before), an_entry(acme.id)

        stores.workspaces.change("acme", rule)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(update, limits))
    found = stores.workspaces.find("acme")
    assert found is not None
    assert found.limits == limits


def test_a_dead_database_is_unavailable() -> None:
    """A look-up without a database raises Unavailable, never the driver's error."""
    database = Database(sa.create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
    with pytest.raises(Unavailable):
        stores_on(database).keys.find("AAAAAAAA")
    database.close()


def _rotation(owned: OwnedKey, entry_id: str = "") -> Rotation:
    rotation = owned.key.rotate(timedelta(hours=1), NOW)
    entry = an_entry(owned.workspace.id)
    if entry_id:
        entry = replace(entry, id=entry_id)
    return replace(rotation, entry=entry)
