"""The stores of workspaces' settings keep their promises, the stored one on both databases."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from structlog.testing import capture_logs

from services.query.domain.settings.answering import Answering, Change
from services.query.storage import schema
from services.query.storage.answering import StoredAnswering
from services.runtime.database import Database, migrate, open_database
from services.runtime.seal import Seal
from tests.contracts.query.answering_store_contract import (
    ACME,
    ALL,
    EVERYTHING,
    OTHER,
    AnsweringStoreContract,
)
from tests.contracts.query.test_turn_outbox import VERSIONS
from tests.fakes.answering_store import FakeAnsweringStore

OLD, NEW = secrets.token_urlsafe(32), secrets.token_urlsafe(32)


class TestFakeAnsweringStore(AnsweringStoreContract):
    """In memory."""

    @pytest.fixture
    def store(self) -> FakeAnsweringStore:
        """Return an empty one."""
        return FakeAnsweringStore()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database."""
    database = open_database(database_url, "query")
    migrate(database, VERSIONS)
    yield database
    database.close()


class TestStoredAnswering(AnsweringStoreContract):
    """In a database."""

    @pytest.fixture
    def store(self, database: Database) -> StoredAnswering:
        """Return an empty one."""
        return StoredAnswering(database, Seal(OLD))

    def test_no_secret_is_in_the_database(self, store: StoredAnswering, database: Database) -> None:
        """What is kept of a key is not the key."""
        store.change(ACME, ALL)
        (row,) = rows(database)
        kept = f"{row.settings} {row.secrets}"
        assert "sml-ü" in kept
        assert "sk-model" not in kept
        assert "sk-rerank" not in kept

    def test_a_secret_does_not_open_elsewhere(self, store: StoredAnswering, database: Database) -> None:
        """A row copied to another workspace brings its settings, and no keys."""
        store.change(ACME, ALL)
        store.change(OTHER, Change({"answer_characters": 200}))
        (acme, _) = rows(database)
        table = schema.answering_settings
        with database.write() as connection:
            connection.execute(
                sa.update(table)
                .where(table.c.workspace_id == OTHER)
                .values(settings=acme.settings, secrets=acme.secrets)
            )
        with capture_logs() as logs:
            copied = store.get(OTHER)
        assert copied.language_model is not None
        assert copied.language_model.model == "sml-ü"
        assert copied.language_model.key == ""
        assert {each["secret"] for each in logs} == {"language_model.key", "reranker.key"}
        assert "sk-" not in str(logs)

    def test_the_key_of_the_installation_can_be_changed(
        self, store: StoredAnswering, database: Database
    ) -> None:
        """What an old one sealed is readable with both; after a change, with the new one alone."""
        store.change(ACME, ALL)
        both, new = (StoredAnswering(database, Seal(keys)) for keys in (f"{NEW},{OLD}", NEW))
        assert both.get(ACME) == EVERYTHING
        assert new.get(ACME) != EVERYTHING
        both.change(ACME, Change({"answer_characters": 500}))
        assert new.get(ACME).language_model == EVERYTHING.language_model

    def test_a_change_writes_no_empty_row_when_refused(
        self, store: StoredAnswering, database: Database
    ) -> None:
        """It is rolled back."""
        with pytest.raises(Exception, match="answer_characters"):
            store.change(ACME, Change({"answer_characters": 1}))
        assert rows(database) == []

    def test_changes_at_the_same_time_are_all_kept(self, store: StoredAnswering) -> None:
        """Each begins with what the one before it left."""
        changes = [Change({name: value}) for name, value in ALL.given.items()]
        with ThreadPoolExecutor(len(changes)) as threads:
            list(threads.map(lambda change: store.change(ACME, change), changes))
        kept = store.get(ACME)
        assert {name: getattr(kept, name) for name in ALL.given} == ALL.given

    def test_what_a_newer_version_wrote_is_passed_over(
        self, store: StoredAnswering, database: Database
    ) -> None:
        """While both run, both read."""
        store.change(ACME, Change({"answer_characters": 200}))
        with database.write() as connection:
            connection.execute(sa.update(schema.answering_settings).values(settings={"tone": "formal"}))
        assert store.get(ACME) == Answering()


def test_migrations_make_the_tables_of_the_code(database: Database) -> None:
    """There is no difference between the two, and migrating twice is none either."""
    migrate(database, VERSIONS)
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), schema.metadata)
    assert [each for each in differences if "alembic_version" not in repr(each)] == []


def rows(database: Database) -> list[sa.Row[tuple[object, ...]]]:
    """Return what the table holds."""
    with database.read() as connection:
        table = schema.answering_settings
        return list(connection.execute(sa.select(table).order_by(table.c.workspace_id)))
