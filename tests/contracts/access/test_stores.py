"""Access's stores: the fake, SQLite and PostgreSQL keep the same promises."""

import pytest
import sqlalchemy as sa

from gateway.access.domain.key import KeyWish
from gateway.access.domain.workspace import Workspace
from gateway.access.storage.schema import keys, metadata
from services.kernel.errors import Unavailable
from services.runtime.database import Database
from tests.contracts.access.stores import Stores, database, fake_stores, stores_on
from tests.contracts.access.stores_contract import NOW, StoresContract

__all__ = ["database"]


class TestFakeStores(StoresContract):
    """The shared suite on the fakes."""

    @pytest.fixture
    def stores(self) -> Stores:
        """Return empty stores in memory."""
        return fake_stores()


class TestDatabaseStores(StoresContract):
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


def test_no_secret_is_stored(database: Database) -> None:
    """Neither the whole key nor its secret is anywhere in the row."""
    stores = stores_on(database)
    workspace = Workspace.create("acme", "", NOW)
    stores.workspaces.add(workspace)
    key, presented = KeyWish("acme", scopes=("query",)).grant(workspace, NOW)
    stores.keys.add(key)
    with database.read() as connection:
        row = connection.execute(sa.select(keys)).one()
    assert presented.secret not in repr(tuple(row))


def test_a_dead_database_is_unavailable() -> None:
    """A look-up without a database raises Unavailable, never the driver's error."""
    database = Database(sa.create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
    with pytest.raises(Unavailable):
        stores_on(database).keys.find("AAAAAAAA")
    database.close()
