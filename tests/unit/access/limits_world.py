"""Limits of one process over counters in memory, for the tests of limits."""

from gateway.access.domain.limits.leases import Leases
from gateway.access.domain.limits.monthly_counts import MonthlyCounts
from gateway.access.domain.limits.shared_limits import SharedLimits
from gateway.access.domain.metering import Account, Admitted, Bucket, Exceeded
from gateway.access.domain.usage.ledger import Channel, Kind, UsageCount
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FakeCounters
from tests.fakes.usage_ledger import FakeLedger

ACME = WorkspaceId("ws_acme")
NOVEMBER = Month(2026, 11)


def account(limit: int, queries: int | None = None, key_limit: int = 0) -> Account:
    """What a request of the workspace is counted against."""
    workspace = Bucket("workspace:acme", "workspace", limit)
    buckets = (Bucket("key:one", "key", key_limit), workspace) if key_limit else (workspace,)
    return Account(ACME, buckets, queries)


class LimitsWorld:
    """One process, or another one that shares the counters and the ledger of the first."""

    def __init__(self, first: "LimitsWorld | None" = None, capacity: int = 100) -> None:
        self.clock: FakeClock = first.clock if first else FakeClock()
        self.counters: FakeCounters = first.counters if first else FakeCounters(self.clock)
        self.ledger: FakeLedger = first.ledger if first else FakeLedger()
        now = self.counters.now
        self.leases = Leases(now, capacity)
        self.months = MonthlyCounts(self.counters, self.ledger, self.leases, now)
        self.limits = SharedLimits(self.counters, self.leases, self.months, self.clock, now)

    def ask(self, asked: Account) -> Admitted | Exceeded:
        """Ask as the check does."""
        return self.limits.admit_at_once(asked) or self.limits.admit(asked)

    def admitted(self, asked: Account) -> Admitted:
        """Ask for a request that passes."""
        decision = self.ask(asked)
        assert isinstance(decision, Admitted)
        return decision

    def exceeded(self, asked: Account) -> Exceeded:
        """Ask for a request that is refused."""
        decision = self.ask(asked)
        assert isinstance(decision, Exceeded)
        return decision

    def passing(self, asked: Account, times: int) -> int:
        """Ask so many times and return how many passed."""
        return sum(isinstance(self.ask(asked), Admitted) for _ in range(times))

    def refill(self) -> None:
        """Do what a thread of its own does."""
        while not self.leases.low.empty():
            self.limits.refill_next()

    def report(self, answered: int) -> None:
        """Let the ledger say that so many queries were answered."""
        count = UsageCount(ACME, Kind.QUERIES, Channel.API, self.clock.now().date(), answered)
        self.ledger.take_over("query", [count], [])
