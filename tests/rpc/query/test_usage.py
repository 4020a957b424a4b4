"""Questions are counted and reported, through real servers on both sides."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from supportagent.query.v1 import query_service_pb2 as pb

from gateway.access.domain.usage.ledger import Channel, Totals
from gateway.access.domain.usage.month import Month
from services.kernel.caller import Caller
from services.kernel.clock import SystemClock
from services.kernel.errors import DomainError, Unavailable
from services.query.clients.usage import UsageReports
from services.query.storage import schema
from services.runtime.call import acting_as
from services.runtime.channel import open_channel
from services.runtime.reporter import Reporter
from services.runtime.server import start_server
from services.runtime.usage import LineTotals, UsageCounter
from tests.fakes.clock import FakeClock
from tests.fakes.usage_service import FakeUsageService
from tests.rpc.query.query_server import ACME, CREDENTIAL, QueryServer, query_server

RENEW = "When does the Pro plan renew?"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QueryServer]:
    """The running parts."""
    with query_server(tmp_path) as running:
        yield running


@pytest.fixture
def access(server: QueryServer) -> FakeUsageService:
    """Access, as far as reports go."""
    return FakeUsageService()


@pytest.fixture
def reports(access: FakeUsageService) -> Iterator[UsageReports]:
    """The way to access."""
    running = start_server([access.service()], credential=CREDENTIAL)
    with open_channel(running.address, credential=CREDENTIAL) as channel:
        yield UsageReports(channel)
    running.stop()


@pytest.fixture
def reporter(server: QueryServer, reports: UsageReports) -> Reporter[LineTotals]:
    """What the process' thread does, step by step."""
    return Reporter(server.usage, reports)


def ask(server: QueryServer, caller: Caller = ACME, channel: str = "") -> None:
    """Ask a question in somebody's name."""
    with acting_as(caller):
        server.stub.Query(pb.QueryRequest(message=RENEW, channel=channel), timeout=10)


def totals(access: FakeUsageService, caller: Caller = ACME) -> Totals:
    """Return what the ledger holds of a workspace."""
    return access.ledger.totals(caller.workspace_id, Month.of(SystemClock().now()))


def test_answers_and_failures_reach_the_ledger(
    server: QueryServer, access: FakeUsageService, reporter: Reporter[LineTotals]
) -> None:
    """An answer is charged, whichever RPC gave it; an error is not, whoever is to blame; a search is none."""
    ask(server)
    list(server.stream(pb.StreamQueryRequest(message=RENEW), timeout=10))
    for refused in (pb.QueryRequest(), pb.QueryRequest(message=RENEW, conversation_id="conv_nobodys")):
        with pytest.raises(grpc.RpcError), acting_as(ACME):
            server.stub.Query(refused, timeout=10)
    with pytest.raises(grpc.RpcError):
        list(server.stream(pb.StreamQueryRequest(message=""), timeout=10))
    server.search.failure = Unavailable("away")
    with pytest.raises(grpc.RpcError):
        ask(server)
    server.search.failure = None
    with acting_as(ACME):
        server.stub.Search(pb.SearchRequest(message=RENEW), timeout=10)
    assert reporter.report()
    assert totals(access) == Totals(2, 4)
    assert not reporter.report()


def test_the_channel_is_the_kind_of_the_key(
    server: QueryServer, access: FakeUsageService, reporter: Reporter[LineTotals]
) -> None:
    """Whatever the request calls its channel."""
    ask(server, replace(ACME, publishable=True), channel="api")
    ask(server, channel="widget")
    ask(server, channel="batch")
    reporter.report()
    usage = access.ledger.usage(ACME.workspace_id, Month.of(SystemClock().now()))
    assert usage.queries == {Channel.WIDGET: 1, Channel.API: 2}


@pytest.mark.parametrize("kept", [True, False])
def test_access_being_away_costs_no_answer(
    server: QueryServer, access: FakeUsageService, reporter: Reporter[LineTotals], kept: bool
) -> None:
    """Questions are answered, and counted once, also where the answer to a report got lost."""
    access.failing, access.kept = True, kept
    ask(server)
    with pytest.raises(DomainError):
        reporter.report()
    ask(server)
    access.failing = False
    assert reporter.report()
    assert totals(access) == Totals(2)
    assert [count.counted for report in access.reports for count in report.counts] == [1, 2]


def test_the_next_process_reports_what_the_last_one_left(
    server: QueryServer, access: FakeUsageService, reports: UsageReports
) -> None:
    """It takes it from the database, and adds its own."""
    ask(server)
    clock = FakeClock()
    successor = UsageCounter(server.database, schema.usage, "query", clock)
    successor.counted(ACME.workspace_id, "queries", "api", SystemClock().now())
    assert Reporter(successor, reports).report()
    assert totals(access) == Totals(2)
    clock.advance(60)
    assert not Reporter(successor, reports).report()
