"""Usage over real gRPC, on SQLite."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import grpc
import pytest
from supportagent.access.v1 import usage_service_pb2 as pb
from supportagent.access.v1.usage_service_pb2_grpc import (
    UsageServiceStub,
    add_UsageServiceServicer_to_server,
)

from gateway.access.api import usage_servicer
from gateway.access.api.usage_servicer import UsageServicer
from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.keys.known_keys import KnownKeys
from gateway.access.domain.usage.arrivals import Arrivals
from gateway.access.domain.usage.ledger import Totals
from gateway.access.domain.usage.month import Month
from gateway.access.domain.usage.reading import UsageReading
from gateway.access.domain.usage.reports import Reports
from gateway.access.domain.workspaces.plans import Plans
from gateway.access.domain.workspaces.workspace import Workspace
from gateway.access.storage.allowances import StoredAllowances
from gateway.access.storage.ledger import StoredLedger
from gateway.access.storage.workspaces import StoredWorkspaces
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.ids import WorkspaceId
from services.runtime.database import migrate, open_database
from services.runtime.server import Service, start_server
from services.runtime.serving_threads import ServingThreads
from services.runtime.settings import Secret
from services.runtime.status import from_rpc_error
from tests.contracts.access.stores import VERSIONS
from tests.fakes.clock import FakeClock
from tests.fakes.key_lookup import FakeKeyLookup
from tests.fakes.query_counters import FakeQueryCounters

CREDENTIAL = "internal-credential"
NOVEMBER = Month(2026, 11)
NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


@dataclass(frozen=True)
class UsageServer:
    """The running service, and its parts."""

    stub: UsageServiceStub
    workspaces: StoredWorkspaces
    counters: FakeQueryCounters

    def usage(self, workspace_id: str) -> pb.Usage:
        """Ask as a key of that workspace."""
        usage: pb.Usage = self.stub.GetUsage(pb.GetUsageRequest(), metadata=_as(workspace_id)).usage
        return usage

    def report(self, *counts: pb.UsageCount, stocks: tuple[pb.KnowledgeStock, ...] = ()) -> None:
        """Report as query does: in nobody's name."""
        request = pb.ReportUsageRequest(source="query", counts=counts, stocks=stocks)
        self.stub.ReportUsage(request, metadata=_as())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[UsageServer]:
    """Return a running service without workspaces."""
    database = open_database(f"sqlite:///{tmp_path / 'access.db'}", "access")
    migrate(database, VERSIONS)
    clock, counters, arrivals = FakeClock(), FakeQueryCounters(), Arrivals()
    ledger, threads = StoredLedger(database), ServingThreads(2, 2)
    reading = UsageReading(
        ledger,
        counters,
        StoredAllowances(database, Plans.shipped()),
        arrivals,
        clock,
        threads.stepping_aside,
    )
    servicer = UsageServicer(reading, Reports(ledger, counters, arrivals, KnownKeys(FakeKeyLookup()), clock))
    running = start_server(
        [Service(usage_servicer.SERVICE, add_UsageServiceServicer_to_server, servicer)],
        credential=Secret(CREDENTIAL),
        threads=threads,
    )
    with grpc.insecure_channel(running.address) as channel:
        yield UsageServer(UsageServiceStub(channel), StoredWorkspaces(database), counters)
    running.stop()
    database.close()


def a_count(workspace_id: str, counted: int, uncounted: int = 0, channel: str = "api") -> pb.UsageCount:
    """Return totals of the present day."""
    return pb.UsageCount(
        workspace_id=workspace_id,
        kind="queries",
        channel=channel,
        day="2026-11-22",
        counted=counted,
        uncounted=uncounted,
    )


def refusal(ask: Callable[[], object]) -> DomainError:
    """Return why a call was refused."""
    with pytest.raises(grpc.RpcError) as refused:
        ask()
    return from_rpc_error(refused.value)


def a_workspace(server: UsageServer, plan: str = "growth", **limits: int) -> Workspace:
    """Make a workspace."""
    workspace = replace(Workspace.create("acme", plan, NOW), limits=limits)
    entry = AuditEntry.of_change(Event.WORKSPACE_CREATED, NOW, workspace.id, details={})
    server.workspaces.add(workspace, entry)
    return workspace


def _as(workspace_id: str = "") -> tuple[tuple[str, str], ...]:
    return (("x-internal-credential", CREDENTIAL), ("x-workspace-id", workspace_id))


def test_what_was_reported_is_used(server: UsageServer) -> None:
    """By channel and together, beside the plan's limits, for the month of UTC."""
    acme = a_workspace(server)
    server.report(
        a_count(acme.id, 5, 1),
        a_count(acme.id, 2, channel="widget"),
        pb.UsageCount(workspace_id=acme.id, kind="action_runs", channel="api", day="2026-11-01", counted=4),
        stocks=(pb.KnowledgeStock(workspace_id=acme.id, documents=3, bytes=3_000_000_000, version=1),),
    )
    usage = server.usage(acme.id)
    assert usage.plan == "growth"
    assert usage.period.start.ToDatetime(UTC) == NOVEMBER.start
    assert usage.period.end.ToDatetime(UTC) == NOVEMBER.end
    assert (usage.queries.used, usage.queries.limit) == (7, 10_000)
    channels = usage.queries.by_channel
    assert (channels.api, channels.widget, channels.batch) == (5, 2, 0)
    assert (usage.knowledge.documents.used, usage.knowledge.documents.limit) == (3, 5_000)
    assert (usage.knowledge.bytes.used, usage.knowledge.bytes.limit) == (3e9, 5e8)
    assert (usage.actions.used, usage.actions.limit) == (4, 1_000)
    assert usage.rate_limits.requests_per_minute == 600


def test_a_twin_has_counts_of_its_own(server: UsageServer) -> None:
    """And the same limits, a workspace's own included."""
    acme = a_workspace(server, queries=3)
    server.report(a_count(acme.test_id, 2))
    live, twin = server.usage(acme.id), server.usage(acme.test_id)
    assert (live.queries.used, twin.queries.used) == (0, 2)
    assert live.queries.limit == twin.queries.limit == 3


def test_a_report_reaches_the_gateways_count(server: UsageServer) -> None:
    """Once it is in the ledger."""
    acme = a_workspace(server)
    server.report(a_count(acme.id, 5, 1))
    assert server.counters.accounted == {(acme.id, NOVEMBER): Totals(5, 1)}


def test_a_reader_waits_for_the_report_that_is_due(server: UsageServer) -> None:
    """The report wakes it."""
    acme = a_workspace(server)
    asked = threading.Event()
    server.counters.admitted_by[WorkspaceId(acme.id), NOVEMBER] = 1
    server.counters.asked = asked.set
    found: list[pb.Usage] = []
    reader = threading.Thread(target=lambda: found.append(server.usage(acme.id)))
    reader.start()
    assert asked.wait(10)
    server.report(a_count(acme.id, 1))
    reader.join()
    assert found[0].queries.used == 1


def test_what_a_workspace_may_have(server: UsageServer) -> None:
    """For the service that keeps its documents."""
    acme = a_workspace(server, "starter", documents=7)
    allowance = server.stub.GetAllowance(pb.GetAllowanceRequest(), metadata=_as(acme.test_id))
    assert (allowance.plan, allowance.documents, allowance.bytes) == ("starter", 7, 10_000_000)
    assert allowance.period_end.ToDatetime(UTC) == NOVEMBER.end


def test_an_unknown_workspace(server: UsageServer) -> None:
    """Is none."""
    nobody = _as("ws_nobody")
    for ask in (
        partial(server.stub.GetAllowance, pb.GetAllowanceRequest(), metadata=nobody),
        partial(server.stub.GetUsage, pb.GetUsageRequest(), metadata=nobody),
    ):
        assert refusal(ask).reason == "WORKSPACE_NOT_FOUND"


def test_nobody_reports_without_the_internal_credential(server: UsageServer) -> None:
    """A report names workspaces: it is believed only from within the installation."""
    request = pb.ReportUsageRequest(source="query", counts=[a_count("ws_1", 5)])
    for metadata in ((), (("x-internal-credential", "guessed"),)):
        refused = refusal(partial(server.stub.ReportUsage, request, metadata=metadata))
        assert refused.reason == "INTERNAL_CREDENTIAL_REFUSED"


def test_nobody_reads_without_a_workspace(server: UsageServer) -> None:
    """A service in nobody's name has no usage."""
    refused = refusal(partial(server.stub.GetUsage, pb.GetUsageRequest(), metadata=_as()))
    assert refused.reason == "UNAUTHENTICATED"


def test_a_wrong_report_tells_all_that_is_wrong(server: UsageServer) -> None:
    """And nothing of it is kept."""
    acme = a_workspace(server)
    wrong = pb.UsageCount(kind="coffees", channel="fax", day="2026-02-30", counted=-1, uncounted=-1)
    stock = pb.KnowledgeStock(documents=-1, bytes=float("inf"), version=-1)
    request = pb.ReportUsageRequest(counts=[a_count(acme.id, 1), wrong], stocks=[stock])
    refused = refusal(partial(server.stub.ReportUsage, request, metadata=_as()))
    assert refused.kind is ErrorKind.INVALID_ARGUMENT
    assert [each.pointer for each in refused.violations] == [
        "/source",
        *(f"/counts/1/{name}" for name in ("workspace_id", "kind", "channel", "day", "counted", "uncounted")),
        *(f"/stocks/0/{name}" for name in ("workspace_id", "documents", "bytes", "version")),
    ]
    assert server.usage(acme.id).queries.used == 0
