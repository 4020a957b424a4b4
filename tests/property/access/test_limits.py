"""Limits of several processes that share counters, on a clock that stands still unless it is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.domain.keys.known_keys import KnownKeys
from gateway.access.domain.limits.gcra import gcra
from gateway.access.domain.limits.leases import LIFETIME, Leases
from gateway.access.domain.limits.monthly_counts import MonthlyCounts
from gateway.access.domain.limits.shared_limits import SharedLimits
from gateway.access.domain.metering import Account, Admitted, Bucket, Exceeded
from gateway.access.domain.usage.arrivals import Arrivals
from gateway.access.domain.usage.counters import QUIET_SECONDS
from gateway.access.domain.usage.ledger import Channel, Kind, UsageCount
from gateway.access.domain.usage.month import Month
from gateway.access.domain.usage.reconciliation import Reconciliation
from gateway.access.domain.usage.reports import Reports
from services.kernel.ids import WorkspaceId
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FakeCounters
from tests.fakes.key_lookup import FakeKeyLookup
from tests.fakes.usage_ledger import FakeLedger

_ACME = WorkspaceId("ws_acme")
# How long at most the clock goes on at once; after that every process tidies up.
_STEP_SECONDS = 0.1
# Between a token's being taken and its being given back; those that more are added to stay as long again.
_ASIDE = 2 * LIFETIME + int(2 * _STEP_SECONDS * 1_000_000)


@dataclass
class _World:
    """Processes, their counters and ledger, and what they let through."""

    processes: int
    limits: tuple[int, int]
    quota: int = 1_000_000
    clock: FakeClock = field(default_factory=FakeClock)
    passed: list[tuple[int, Account]] = field(default_factory=list)
    asked: int = 0
    answered: int = 0
    # Queries that no count holds any more, since it was lost.
    lost: int = 0

    def __post_init__(self) -> None:
        self.counters = FakeCounters(self.clock)
        self.ledger = FakeLedger()
        self.months_of: list[MonthlyCounts] = []
        self.leases_of: list[Leases] = []
        self.limits_of: list[SharedLimits] = []
        for _ in range(self.processes):
            self._begin()
        workspace = Bucket("workspace:acme", "workspace", self.limits[1])
        queries = self.quota
        self.accounts = (
            Account(_ACME, (Bucket("key:one", "key", self.limits[0]), workspace), queries),
            Account(_ACME, (workspace,), queries),
            Account(_ACME, (workspace,)),
        )

    def ask(self, process: int, account: int) -> Admitted | Exceeded:
        limits, asked = self.limits_of[process % self.processes], self.accounts[account]
        decision = limits.admit_at_once(asked) or limits.admit(asked)
        self.asked += 1
        if self.asked % 3 == 0:
            self.refill(process % self.processes)
        if isinstance(decision, Admitted):
            self.passed.append((self.counters.now(), asked))
        return decision

    def refill(self, process: int) -> None:
        """Do what a process' own thread does at some time."""
        while not self.leases_of[process].low.empty():
            self.limits_of[process].refill_next()

    def go_on(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for each in self.limits_of:
            each.tidy()

    def crash(self, process: int) -> None:
        for each in (self.limits_of, self.leases_of, self.months_of):
            del each[process % self.processes]
        self._begin()

    def answer(self, queries: int) -> None:
        """Let services answer so many more of those that passed, and report it."""
        self.answered += min(queries, self.queries() - self.answered)
        today = self.clock.now().date()
        count = UsageCount(_ACME, Kind.QUERIES, Channel.API, today, self.answered)
        known = KnownKeys(FakeKeyLookup())
        reports = Reports(self.ledger, self.months_of[0], Arrivals(), known, self.clock)
        reports.take_over("query", [count], [])

    def flush(self) -> None:
        """Let the counters lose everything."""
        set_aside = sum(each.set_aside for each in self.limits_of)
        self.lost += self.queries() - self.answered + set_aside
        self.counters.flush()

    def settle(self) -> None:
        """Wait until all that is under way has ended, and let every process put its counts right."""
        self.go_on(QUIET_SECONDS + 1)
        for each in self.months_of:
            Reconciliation(self.ledger, each).go_round()

    def ask_until_refused(self, *accounts: int) -> None:
        """Let every process ask for these until there is nothing left for anybody."""
        asking = {(process, account) for process in range(self.processes) for account in accounts}
        while asking:
            asking = {each for each in asking if isinstance(self.ask(*each), Admitted)}

    def queries(self) -> int:
        return sum(asked.queries is not None for _, asked in self.passed)

    def instants(self, bucket: Bucket) -> Sequence[int]:
        return [at for at, asked in self.passed if bucket in asked.buckets]

    def _begin(self) -> None:
        leases = Leases(self.counters.now)
        months = MonthlyCounts(self.counters, self.ledger, leases, self.counters.now)
        self.leases_of.append(leases)
        self.months_of.append(months)
        self.limits_of.append(SharedLimits(self.counters, leases, months, self.clock, self.counters.now))


_limits = st.tuples(st.integers(1, 2000), st.integers(1, 4000))
_ask = st.tuples(st.just("ask"), st.integers(0, 3), st.integers(0, 2), st.integers(1, 80))
_wait = st.tuples(st.just("wait"), st.integers(1, 30), st.just(0), st.floats(0.0001, _STEP_SECONDS))
_crash = st.tuples(st.just("crash"), st.integers(0, 3), st.just(0), st.just(0))
_answer = st.tuples(st.just("answer"), st.integers(0, 60), st.just(0), st.just(0))
_flush = st.tuples(st.just("flush"), st.just(0), st.just(0), st.just(0))
_processes = st.integers(1, 4)
_Step = tuple[str, int, int, float]


def _steps(*kinds: st.SearchStrategy[_Step]) -> st.SearchStrategy[list[_Step]]:
    return st.lists(st.one_of(_ask, _ask, *kinds), max_size=25)


def _play(world: _World, steps: list[_Step]) -> None:
    for what, number, account, amount in steps:
        if what == "ask":
            for _ in range(int(amount)):
                world.ask(number, account)
        elif what == "wait":
            for _ in range(number):
                world.go_on(amount)
        elif what == "crash":
            world.crash(number)
        elif what == "answer":
            world.answer(number)
        else:
            world.flush()


@settings(max_examples=150, deadline=None)
@given(processes=_processes, limits=_limits, steps=_steps(_wait, _crash))
def test_never_more_than_the_limit(processes: int, limits: tuple[int, int], steps: list[_Step]) -> None:
    """In no span of time more passes than a full bucket, what came back in it, and what was set aside."""
    world = _World(processes, limits)
    _play(world, steps)

    for bucket in world.accounts[0].buckets:
        pace, full_at = gcra(bucket.limit), 0
        for at in world.instants(bucket):
            full_at = max(full_at, at) + pace.interval
            assert full_at - at <= pace.depth + _ASIDE


@settings(max_examples=150, deadline=None)
@given(processes=_processes, limits=_limits, before=_steps(_wait, _crash), steps=_steps())
def test_exactly_the_limit(
    processes: int, limits: tuple[int, int], before: list[_Step], steps: list[_Step]
) -> None:
    """If everybody asks until there is nothing left, exactly the limit has passed, whoever took what."""
    world = _World(processes, limits)
    _play(world, before)
    world.go_on(61)
    world.passed.clear()

    _play(world, steps)
    world.ask_until_refused(0, 1, 2)

    key, workspace = world.accounts[0].buckets
    assert len(world.instants(workspace)) == workspace.limit
    assert len(world.instants(key)) <= key.limit


@settings(max_examples=150, deadline=None)
@given(processes=_processes, limits=_limits, steps=_steps(_wait, _crash), account=st.integers(0, 2))
def test_retry_after_is_true(
    processes: int, limits: tuple[int, int], steps: list[_Step], account: int
) -> None:
    """Who was refused and waits as long as it was told is let through."""
    world = _World(processes, limits)
    _play(world, steps)
    while isinstance(decision := world.ask(0, account), Admitted):
        pass

    world.clock.advance(decision.retry_after)

    assert isinstance(world.ask(0, account), Admitted)


@settings(max_examples=150, deadline=None)
@given(processes=_processes, quota=st.integers(0, 900), steps=_steps(_wait, _crash, _answer))
def test_never_more_than_the_quota(processes: int, quota: int, steps: list[_Step]) -> None:
    """No more queries pass than the month has, whatever crashes."""
    world = _World(processes, (100_000, 100_000), quota)
    _play(world, steps)
    world.ask_until_refused(0, 1)

    assert world.queries() <= quota


@settings(max_examples=150, deadline=None)
@given(processes=_processes, quota=st.integers(0, 900), steps=_steps(_wait, _answer))
def test_exactly_the_quota(processes: int, quota: int, steps: list[_Step]) -> None:
    """If everybody asks until there is nothing left, exactly the month's queries have passed."""
    world = _World(processes, (100_000, 100_000), quota)
    _play(world, steps)
    world.ask_until_refused(0, 1)

    assert world.queries() == quota


@settings(max_examples=150, deadline=None)
@given(processes=_processes, quota=st.integers(0, 900), steps=_steps(_wait, _crash, _answer, _flush))
def test_lost_counts(processes: int, quota: int, steps: list[_Step]) -> None:
    """Counts that are lost are rebuilt: what is missing is at most what was in flight or set aside."""
    world = _World(processes, (100_000, 100_000), quota)
    _play(world, steps)
    world.ask_until_refused(0, 1)

    assert world.queries() <= quota + world.lost


@settings(max_examples=150, deadline=None)
@given(processes=_processes, steps=_steps(_wait, _crash, _answer, _flush))
def test_settled(processes: int, steps: list[_Step]) -> None:
    """Once all is quiet exactly what was answered is counted; what failed or was lost in a crash is not."""
    world = _World(processes, (100_000, 100_000), 100_000)
    _play(world, steps)
    for process in range(processes):
        world.ask(process, 0)

    world.settle()

    counted = world.counters.counted(_ACME, Month.of(world.clock.now()))
    assert counted is not None
    assert counted.used == world.answered
