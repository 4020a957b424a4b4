"""What knowledge asks of access, and tells it, over gRPC."""

from collections.abc import Iterator

import pytest

from services.kernel.errors import DomainError
from services.knowledge.clients.access import IDEMPOTENT, UsageLedger
from services.knowledge.domain.stock import Allowance, Stock, WorkspaceStock
from services.runtime.channel import open_channel
from services.runtime.server import RunningServer, start_server
from services.runtime.settings import Secret
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE
from tests.fakes.usage_service import PERIOD_END, FakeUsageService

CREDENTIAL = Secret("credential")


@pytest.fixture
def access() -> FakeUsageService:
    """The other side."""
    return FakeUsageService()


@pytest.fixture
def server(access: FakeUsageService) -> Iterator[RunningServer]:
    """Its server."""
    server = start_server([access.service()], credential=CREDENTIAL)
    yield server
    server.stop()


@pytest.fixture
def ledger(server: RunningServer) -> Iterator[UsageLedger]:
    """This side."""
    with open_channel(server.address, credential=CREDENTIAL, idempotent=IDEMPOTENT) as channel:
        yield UsageLedger(channel)


def test_it_is_asked_for_a_workspace(access: FakeUsageService, ledger: UsageLedger) -> None:
    """Each has an allowance of its own; five billion bytes are no float."""
    access.documents[OTHER] = 7
    assert ledger.allowance(WORKSPACE) == Allowance(5, 5_000_000_000, PERIOD_END)
    assert ledger.allowance(OTHER).documents == 7


def test_stocks_are_told(access: FakeUsageService, ledger: UsageLedger) -> None:
    """All of them in one report, in the name of knowledge."""
    ledger.report([WorkspaceStock(WORKSPACE, Stock(3, 10**12, 9)), WorkspaceStock(OTHER, Stock(1, 2, 3))])
    (report,) = access.reports
    assert report.source == "knowledge"
    assert not report.counts
    told = [(each.workspace_id, each.documents, int(each.bytes), each.version) for each in report.stocks]
    assert told == [(WORKSPACE, 3, 10**12, 9), (OTHER, 1, 2, 3)]


def test_without_access_both_fail(server: RunningServer, ledger: UsageLedger) -> None:
    """With an error of the domain, which those who call them expect."""
    server.stop()
    with pytest.raises(DomainError):
        ledger.allowance(WORKSPACE)
    with pytest.raises(DomainError):
        ledger.report([])
