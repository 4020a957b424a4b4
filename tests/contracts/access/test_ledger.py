"""The ledger: the fake, SQLite and PostgreSQL keep the same promises."""

import pytest
import sqlalchemy as sa

from gateway.access.domain.usage.ledger import KnowledgeStock, Ledger
from gateway.access.storage.ledger import StoredLedger
from gateway.access.storage.schema import knowledge_stocks, usage_counts
from services.kernel.errors import Unavailable
from services.runtime.database import Database
from tests.contracts.access.ledger_contract import HERE, NOVEMBER, LedgerContract, a_count
from tests.contracts.access.stores import database
from tests.fakes.usage_ledger import FakeLedger

__all__ = ["database"]


class TestFakeLedger(LedgerContract):
    """The shared suite on the fake."""

    @pytest.fixture
    def ledger(self) -> Ledger:
        """Return an empty ledger in memory."""
        return FakeLedger()


class TestStoredLedger(LedgerContract):
    """The shared suite on both databases."""

    @pytest.fixture
    def ledger(self, database: Database) -> Ledger:
        """Return an empty ledger on a database."""
        return StoredLedger(database)


def test_a_report_is_kept_whole_or_not_at_all(database: Database) -> None:
    """Half a report would be taken for all of it."""
    ledger = StoredLedger(database)
    knowledge_stocks.drop(database.engine)
    with pytest.raises((sa.exc.DatabaseError, Unavailable)):
        ledger.take_over("query", [a_count(1)], [KnowledgeStock(HERE, 1, 1, 1)])
    with database.read() as connection:
        assert connection.execute(sa.select(usage_counts)).all() == []


def test_a_dead_database_is_unavailable() -> None:
    """Never the driver's error."""
    database = Database(sa.create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
    ledger = StoredLedger(database)
    for ask in (
        lambda: ledger.usage(HERE, NOVEMBER),
        lambda: ledger.totals(HERE, NOVEMBER),
        lambda: ledger.take_over("query", [a_count(1)], []),
    ):
        with pytest.raises(Unavailable):
            ask()
    database.close()


def test_a_month_is_found_by_an_index(database: Database) -> None:
    """The check asks with every look-up of a key; rows of earlier months cost it nothing."""
    if database.engine.dialect.name != "sqlite":
        pytest.skip("SQLite tells in words which columns it searches by")
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            statements.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    ledger = StoredLedger(database)
    ledger.usage(HERE, NOVEMBER)
    ledger.totals_of([HERE], NOVEMBER)
    sa.event.remove(database.engine, "before_cursor_execute", note)
    with database.read() as connection:
        for statement, parameters in statements:
            rows = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)  # type: ignore[arg-type]
            plan = "\n".join(map(str, rows))
            assert "SCAN" not in plan
            assert "usage_counts" not in plan or "kind=? AND day>? AND day<?" in plan
