"""What access is told of the stocks, across restarts of either side."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.kernel.errors import Unavailable
from services.knowledge.domain.stock import Stock, WorkspaceStock
from services.knowledge.domain.unreported_stocks import UnreportedStocks
from services.knowledge.storage import versions
from services.runtime.database import migrate, open_database
from services.runtime.reporter import Reporter
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page

TEN = "0123456789"


class FakeLedger:
    """Takes stocks as access does: the greater version counts. `away`: what is sent is lost."""

    def __init__(self) -> None:
        self.stocks: dict[str, Stock] = {}
        self.reports = 0
        self.away = False

    def report(self, stocks: Sequence[WorkspaceStock]) -> None:
        """Take a report."""
        if self.away:
            raise Unavailable("away")
        self.reports += 1
        for each in stocks:
            known = self.stocks.get(each.workspace_id)
            if known is None or known.version < each.stock.version:
                self.stocks[each.workspace_id] = each.stock


def reporter(workshop: Workshop, ledger: FakeLedger) -> Reporter[WorkspaceStock]:
    """Return the reporter of a process that just began."""
    return Reporter(UnreportedStocks(workshop.store), ledger.report)


def test_each_stock_is_told_once_at_its_newest(workshop: Workshop) -> None:
    """Several changes are one report; without a change there is none."""
    ledger = FakeLedger()
    mine = reporter(workshop, ledger)
    assert not mine.report()
    workshop.push(page("a", TEN), page("b", TEN))
    workshop.create(page("a", TEN), OTHER)
    workshop.write.delete_by_external_id(WORKSPACE, "a", "")
    assert mine.report()
    assert not mine.report()
    assert (ledger.stocks, ledger.reports) == ({WORKSPACE: Stock(1, 10, 2), OTHER: Stock(1, 10, 1)}, 1)


def test_what_did_not_arrive_is_told_later(workshop: Workshop) -> None:
    """By whoever reports then: another process, another day."""
    ledger = FakeLedger()
    ledger.away = True
    workshop.create(page("a", TEN))
    with pytest.raises(Unavailable):
        reporter(workshop, ledger).report()
    ledger.away = False
    assert reporter(workshop, ledger).report()
    assert ledger.stocks == {WORKSPACE: Stock(1, 10, 1)}


def test_what_changes_while_it_is_told_is_told_again(workshop: Workshop) -> None:
    """The note of a report is about the version that was told."""
    ledger = FakeLedger()
    stocks = UnreportedStocks(workshop.store)
    workshop.create(page("a", TEN))
    taken = stocks.take()
    workshop.create(page("b", TEN))
    ledger.report(taken)
    stocks.reported(taken)
    assert reporter(workshop, ledger).report()
    assert ledger.stocks == {WORKSPACE: Stock(2, 20, 2)}
    stocks.reported(taken)
    assert not stocks.take()


def test_a_commit_wakes_the_reporter(workshop: Workshop) -> None:
    """One that changed the stock; another one does not."""
    stocks = UnreportedStocks(workshop.store)
    write = workshop.writer(workshop.store, stocks.wake.set)
    workshop.write = write
    document = workshop.create(page("a", TEN))
    assert stocks.wake.is_set()
    stocks.wake.clear()
    workshop.push(page("a", TEN))
    assert not stocks.wake.is_set()
    write.delete(WORKSPACE, document.id, "")
    assert stocks.wake.is_set()


def test_what_was_there_before_stocks_were_kept_is_counted(database_url: str, tmp_path: Path) -> None:
    """An upgrade counts each workspace's documents, and tells access of them."""
    earlier = tmp_path / "versions"
    earlier.mkdir()
    for name in ("0001_initial.py", "0002_units.py"):
        shutil.copy(Path(versions.__file__).parent / name, earlier)
    database = open_database(database_url, "knowledge")
    migrate(database, earlier)
    names = (
        "workspace_id, id, title, content_type, url, tags, locale, audience, active, metadata,"
        " content_sha256, bytes, status, chunks, version, content_version, fence, revision,"
        " content_revision, created_at, updated_at, revised_at"
    )
    instant = "'2026-11-22 07:00:00'"
    with database.write() as connection:
        for workspace, name, size in ((WORKSPACE, "a", 10), (WORKSPACE, "b", 5), (OTHER, "c", 7)):
            connection.execute(
                sa.text(
                    f"INSERT INTO documents ({names})"
                    " VALUES (:workspace, :name, '', 'text/plain', '', '[]', '',"
                    f" 'public', true, '{{}}', '', :size, 'indexed', 0, 1, 1, 0, 0, 0, {instant}, {instant},"
                    f" {instant})"
                ),
                {"workspace": workspace, "name": name, "size": size},
            )
    database.close()
    workshop, ledger = Workshop(database_url), FakeLedger()
    assert reporter(workshop, ledger).report()
    assert ledger.stocks == {WORKSPACE: Stock(2, 15, 1), OTHER: Stock(1, 7, 1)}
    workshop.store.close()
