"""The store of conversations: the fake, SQLite and PostgreSQL keep the same promises."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import services.conversations.storage
from services.conversations.domain.listing import Filters
from services.conversations.domain.ports import Conversations
from services.conversations.storage.conversations import StoredConversations
from services.conversations.storage.schema import messages, metadata
from services.kernel.pages import Place
from services.runtime.database import Database, migrate, open_database
from tests.contracts.conversations.conversations_contract import ConversationsContract
from tests.contracts.conversations.turns import ACME, NOW, OTHER, a_turn
from tests.fakes.conversations import FakeConversations

_VERSIONS = Path(services.conversations.storage.__file__).parent / "versions"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Return conversations' tables, empty, on each database in turn."""
    database = open_database(database_url, "conversations")
    migrate(database, _VERSIONS)
    yield database
    database.close()


class TestFakeConversations(ConversationsContract):
    """The shared suite on the fake."""

    @pytest.fixture
    def store(self) -> Conversations:
        """Return an empty store in memory."""
        return FakeConversations()


class TestStoredConversations(ConversationsContract):
    """The shared suite on both databases."""

    @pytest.fixture
    def store(self, database: Database) -> Conversations:
        """Return an empty store on a database."""
        return StoredConversations(database)


def test_migrations_make_the_tables_of_the_schema(database: Database) -> None:
    """What the migrations make is what the code expects: columns, their nullability, indexes."""
    inspector = sa.inspect(database.engine)
    for table in metadata.sorted_tables:
        made = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        assert made == {column.name: column.nullable for column in table.columns}
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes


def test_turns_that_come_at_once(database: Database) -> None:
    """Of turns appended at once, each several times, every one is there once, numbered without gaps."""
    store = StoredConversations(database)
    turns = [a_turn(str(number), at=NOW + timedelta(seconds=number)) for number in range(12)]
    with ThreadPoolExecutor(8) as pool:
        appended = list(pool.map(lambda turn: store.append(ACME, turn), turns * 3))
    assert sum(appended) == len(turns)
    transcript = store.get(ACME, "conv_a")
    assert transcript is not None
    assert transcript.conversation.message_count == len(transcript.messages) == 24
    assert {message.id for message in transcript.messages} == {
        message.id for turn in turns for message in (turn.question, turn.answer)
    }
    with database.read() as connection:
        numbers = sorted(connection.scalars(sa.select(messages.c.seq)))
    assert numbers == list(range(1, 25))


def test_lists_use_an_index(database: Database) -> None:
    """No page is found by sorting or by a scan of the table."""
    store = StoredConversations(database)
    for number in range(50):
        for workspace in (ACME, OTHER):
            store.append(workspace, a_turn(str(number), conversation=f"conv_{number}"))
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            statements.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    first = store.page(ACME, Filters(), 5, None)
    store.page(ACME, Filters(), 5, Place(first[-1].created_at, first[-1].id))
    sa.event.remove(database.engine, "before_cursor_execute", note)
    is_sqlite = database.engine.dialect.name == "sqlite"
    with database.engine.connect() as connection:
        if not is_sqlite:
            # The table is small: left to itself, the planner would rather sort it.
            for way in ("seqscan", "bitmapscan", "sort"):
                connection.exec_driver_sql(f"SET enable_{way} = off")
        for statement, parameters in statements:
            explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
            plan = "\n".join(map(str, connection.exec_driver_sql(explain + statement, parameters)))  # type: ignore[arg-type]
            assert "conversations_by_age" in plan
            assert "Sort" not in plan
            assert "TEMP B-TREE" not in plan
