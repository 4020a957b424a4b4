"""The whole way of a count: two gateways, two services, the ledger; all but the databases in memory."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from gateway.access.domain.keys.known_keys import KnownKeys
from gateway.access.domain.limits.leases import Leases
from gateway.access.domain.limits.monthly_counts import MonthlyCounts
from gateway.access.domain.limits.shared_limits import SharedLimits
from gateway.access.domain.metering import Account, Admitted, Bucket
from gateway.access.domain.usage.arrivals import Arrivals
from gateway.access.domain.usage.counters import QUIET_SECONDS
from gateway.access.domain.usage.ledger import Channel, Kind, KnowledgeStock, UsageCount
from gateway.access.domain.usage.month import Month
from gateway.access.domain.usage.reconciliation import Reconciliation
from gateway.access.domain.usage.reports import Reports
from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.runtime.database import open_database
from services.runtime.reporter import Reporter
from services.runtime.usage import LineTotals, UsageCounter, usage_table
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FakeCounters
from tests.fakes.dying_database import DyingDatabase
from tests.fakes.failing_embedder import Killed
from tests.fakes.key_lookup import FakeKeyLookup
from tests.fakes.usage_ledger import FakeLedger

WORKSPACES = WorkspaceId("ws_a"), WorkspaceId("ws_b")

_Report = tuple[str, list[UsageCount], list[KnowledgeStock]]
_METADATA = sa.MetaData()
_TABLE = usage_table(_METADATA)


class Gateway:
    """One process of access."""

    def __init__(self, counters: FakeCounters, ledger: FakeLedger, clock: FakeClock, limit: int) -> None:
        self._limit = limit
        leases = Leases(counters.now)
        self.months = MonthlyCounts(counters, ledger, leases, counters.now)
        self.limits = SharedLimits(counters, leases, self.months, clock, counters.now)
        self.reports = Reports(ledger, self.months, Arrivals(), KnownKeys(FakeKeyLookup()), clock)
        self.reconciliation = Reconciliation(ledger, self.months)

    def lets_through(self, workspace_id: WorkspaceId) -> bool:
        """Ask as a request of that workspace."""
        bucket = Bucket(f"workspace:{workspace_id}", "workspace", 60_000)
        account = Account(workspace_id, (bucket,), self._limit)
        decision = self.limits.admit_at_once(account) or self.limits.admit(account)
        return isinstance(decision, Admitted)


class CountingService:
    """One process that answers, with a database of its own; it can die and comes back."""

    def __init__(self, folder: Path, number: int, clock: FakeClock) -> None:
        opened = open_database(f"sqlite:///{folder / str(number)}.db", "usage")
        # Processes die here, the machine does not.
        sa.event.listen(opened.engine, "connect", lambda made, _: made.execute("PRAGMA synchronous=OFF"))
        self.database = DyingDatabase(opened.engine)
        _METADATA.create_all(opened.engine)
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Come up, with what the database has and nothing else."""
        self.counter = UsageCounter(self.database, _TABLE, "query", self._clock)


@dataclass
class Truth:
    """What has really happened, by workspace."""

    # Let through and on its way.
    in_flight: list[tuple[WorkspaceId, datetime]] = field(default_factory=list)
    # Answered: each is to be charged.
    answered: Counter[WorkspaceId] = field(default_factory=Counter)
    # Durably counted, but the process died before the answer was out.
    died_counted: Counter[WorkspaceId] = field(default_factory=Counter)
    # On the way, or unreported, whenever the gateways' count began anew or was put right: it may miss these.
    missed: Counter[WorkspaceId] = field(default_factory=Counter)
    quota_was_open: bool = False

    def charged(self, workspace_id: WorkspaceId) -> int:
        """How much the ledger must tell in the end."""
        return self.answered[workspace_id] + self.died_counted[workspace_id]


class UsageWorld:
    """All of it, on one clock."""

    def __init__(self, limit: int) -> None:
        """`limit`: queries a month, of each workspace."""
        self._limit = limit
        self._folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.counters, self.ledger, self.truth = FakeCounters(self.clock), FakeLedger(), Truth()
        self.gateways = [self._gateway() for _ in range(2)]
        # Reports that were given up and arrive all the same.
        self.late: list[_Report] = []
        folder = Path(self._folder.name)
        self.services = [CountingService(folder, number, self.clock) for number in range(2)]

    @property
    def month(self) -> Month:
        """The present one."""
        return Month.of(self.clock.now())

    def told(self, workspace_id: WorkspaceId) -> int:
        """Return what the ledger holds, whether it can be reached or not."""
        down, self.ledger.down = self.ledger.down, False
        told = self.ledger.totals(workspace_id, self.month).counted
        self.ledger.down = down
        return told

    def ask(self, gateway: int, workspace_id: WorkspaceId) -> bool:
        """Send a request; it is on its way if it is let through."""
        through = self.gateways[gateway].lets_through(workspace_id)
        if through:
            self.truth.in_flight.append((workspace_id, self.clock.now()))
        self.truth.quota_was_open |= self.counters.down or self.ledger.down
        return through

    def answer(self, service: int) -> None:
        """Answer the oldest request."""
        workspace_id, asked_at = self.truth.in_flight.pop(0)
        self.services[service].counter.counted(workspace_id, Kind.QUERIES, Channel.API, asked_at)
        self.truth.answered[workspace_id] += 1

    def fail(self, service: int) -> None:
        """Answer the oldest request with an error."""
        workspace_id, asked_at = self.truth.in_flight.pop(0)
        self.services[service].counter.uncounted(workspace_id, Kind.QUERIES, Channel.API, asked_at)

    def lose(self) -> None:
        """Let the oldest request go lost before a service counts it: refused for its body, say."""
        self.truth.in_flight.pop(0)

    def die_answering(self, service: int, when: str) -> None:
        """Let a service die while it commits the count of the oldest request."""
        dying = self.services[service]
        workspace_id, asked_at = self.truth.in_flight.pop(0)
        dying.database.dies = when
        try:
            dying.counter.counted(workspace_id, Kind.QUERIES, Channel.API, asked_at)
        except Killed:
            self.truth.died_counted[workspace_id] += when == "after"
        dying.begin()

    def report(self, service: int, gateway: int, outcome: str) -> bool:
        """Have a service report once; `outcome` is what comes of it on the way. Return whether it arrived."""

        def send(totals: Sequence[LineTotals]) -> None:
            if outcome == "meanwhile" and self.truth.in_flight:
                self.answer(service)
            if outcome in ("lost", "late"):
                self.late += [_count_of(each) for each in totals] if outcome == "late" else []
                raise Unavailable("The report was lost.")
            for each in totals:
                count = _count_of(each)
                if outcome == "gateway dies before":
                    self._restart(gateway)
                    raise Unavailable("The gateway died.")
                if outcome == "gateway dies after":
                    self.ledger.take_over(*count)
                    self._restart(gateway)
                    raise Unavailable("The gateway died.")
                self.gateways[gateway].reports.take_over(*count)
            if outcome == "answer lost":
                raise Unavailable("The answer was lost.")

        try:
            return Reporter(self.services[service].counter, send).report()
        except Unavailable:
            return False

    def arrive_late(self, gateway: int) -> None:
        """Let a report arrive that the others have overtaken."""
        try:
            self.gateways[gateway].reports.take_over(*self.late.pop(0))
        except Unavailable:
            return

    def restart_service(self, service: int) -> None:
        """Kill a service between two requests: what is only in its memory is gone."""
        self.services[service].begin()

    def restart_gateway(self, gateway: int) -> None:
        """Kill a gateway: what it had set aside is gone."""
        self._restart(gateway)

    def flush(self) -> None:
        """Lose the shared counters."""
        self._may_miss()
        self.counters.flush()

    def tidy(self, gateway: int) -> None:
        """Let a gateway give back what it did not use."""
        self.gateways[gateway].limits.tidy()

    def go_round(self, gateway: int) -> None:
        """Let a gateway put the counts right."""
        self._may_miss()
        try:
            self.gateways[gateway].reconciliation.go_round()
        except Unavailable:
            return

    def come_to_rest(self) -> None:
        """Everything works again, what is on its way ends, and nothing happens for a while."""
        self.counters.down = self.ledger.down = False
        for gateway in range(2):
            # Gateways that were killed have forgotten what they counted in; the next request reminds them.
            for workspace_id in WORKSPACES:
                self.ask(gateway, workspace_id)
        while self.truth.in_flight:
            self.fail(0)
        self.clock.advance(QUIET_SECONDS)
        for gateway in range(2):
            self.tidy(gateway)
        for service in range(2):
            while self.report(service, 0, "arrives"):
                pass
        for gateway in range(2):
            self.go_round(gateway)

    def close(self) -> None:
        """Remove the files."""
        for each in self.services:
            each.database.close()
        self._folder.cleanup()

    def _gateway(self) -> Gateway:
        return Gateway(self.counters, self.ledger, self.clock, self._limit)

    def _restart(self, gateway: int) -> None:
        self.gateways[gateway] = self._gateway()

    def _may_miss(self) -> None:
        for workspace_id in WORKSPACES:
            on_the_way = sum(each == workspace_id for each, _ in self.truth.in_flight)
            unreported = self.truth.charged(workspace_id) - self.told(workspace_id)
            self.truth.missed[workspace_id] += on_the_way + unreported


def _count_of(totals: LineTotals) -> _Report:
    line = totals.line
    count = UsageCount(
        line.workspace_id,
        Kind(line.kind),
        Channel(line.channel),
        line.day,
        totals.counted,
        totals.uncounted,
    )
    return line.source, [count], []
