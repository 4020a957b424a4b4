"""What workspaces have used: reported, read, and put right at the gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest

from gateway.access.domain.keys.known_key import Used
from gateway.access.domain.keys.known_keys import KnownKeys
from gateway.access.domain.usage.arrivals import Arrivals
from gateway.access.domain.usage.ledger import Channel, Kind, KnowledgeStock, Totals, UsageCount
from gateway.access.domain.usage.month import Month
from gateway.access.domain.usage.reading import UsageReading
from gateway.access.domain.usage.reconciliation import MOST, Reconciliation
from gateway.access.domain.usage.reports import Reports
from gateway.access.domain.workspaces.allowance import Allowance
from gateway.access.domain.workspaces.plans import Plans
from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from tests.fakes.clock import FakeClock
from tests.fakes.key_lookup import FakeKeyLookup
from tests.fakes.query_counters import FakeQueryCounters
from tests.fakes.usage_ledger import FakeLedger
from tests.unit.access.given import ACME, a_key, known

HERE = WorkspaceId("ws_here")
NOVEMBER = Month(2026, 11)
MONTH = HERE, NOVEMBER


class OnPlan:
    """All workspaces are on one plan."""

    def __init__(self, plan: str = "growth") -> None:
        self._allowance = Plans.shipped().allowance(plan)

    def allowance(self, workspace_id: WorkspaceId) -> Allowance:
        """Return the plan's."""
        return self._allowance


class Waiting(Arrivals):
    """Time passes while somebody waits, and reports may arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.arriving: list[tuple[float, UsageCount]] = []
        self.ledger = FakeLedger()
        # What the ledger held whenever those who wait were woken.
        self.announced: list[Totals] = []

    def announce(self) -> None:
        """Note it."""
        self.announced.append(self.ledger.totals(*MONTH))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        due = [count for at, count in self.arriving if at <= self.seconds]
        self.ledger.take_over("query", due, [])

    def monotonic(self) -> float:
        """Return how much has passed."""
        return self.seconds


class World:
    """A ledger, the gateway's count, and what stands between."""

    def __init__(self, plan: str = "growth", *, may_wait: bool = True) -> None:
        self.counters, self.waiting, self.clock = FakeQueryCounters(), Waiting(), FakeClock()
        self.ledger = self.waiting.ledger
        self.lookup = FakeKeyLookup()
        self.keys = KnownKeys(self.lookup)
        self.reports = Reports(self.ledger, self.counters, self.waiting, self.keys, self.clock)
        self.reconciliation = Reconciliation(self.ledger, self.counters)

        @contextmanager
        def aside() -> Iterator[bool]:
            yield may_wait

        self.reading = UsageReading(
            self.ledger,
            self.counters,
            OnPlan(plan),
            self.waiting,
            self.clock,
            aside,
            self.waiting.monotonic,
        )


def a_count(counted: int, uncounted: int = 0, kind: Kind = Kind.QUERIES, month: int = 11) -> UsageCount:
    """Return totals of a day."""
    return UsageCount(HERE, kind, Channel.API, date(2026, month, 1), counted, uncounted)


def test_a_report_reaches_the_gateways_count() -> None:
    """Each month's with the sum over all sources; runs of actions are none of its business."""
    world = World()
    world.reports.take_over("query-a", [a_count(2, 1), a_count(4, month=10)], [])
    world.reports.take_over("query-b", [a_count(3)], [])
    world.reports.take_over("actions", [a_count(9, kind=Kind.ACTION_RUNS, month=9)], [])
    assert world.counters.accounted == {MONTH: Totals(5, 1), (HERE, Month(2026, 10)): Totals(4)}


def test_a_report_wakes_those_who_wait() -> None:
    """Once they can read it."""
    world = World()
    world.reports.take_over("query", [a_count(2, 1)], [])
    assert world.waiting.announced == [Totals(2, 1)]


def test_a_report_is_known_of_remembered_keys() -> None:
    """Callers are warned of what was used just now; of months that are over they are not."""
    world, key = World(), known(a_key())
    world.lookup.add(key)
    world.keys.find(key.key.public_id)
    ours, earlier = (
        replace(a_count(count, month=month), workspace_id=ACME.id) for count, month in ((7, 11), (9, 10))
    )
    world.reports.take_over("query", [ours, earlier], [KnowledgeStock(ACME.id, 3, 30, 1)])
    world.reports.take_over("query", [a_count(9)], [KnowledgeStock(HERE, 9, 90, 1)])
    remembered = world.keys.at_hand(key.key.public_id)
    assert remembered is not None
    assert remembered.used == Used(queries=7, documents=3, bytes=30)
    assert world.lookup.look_ups == 1


def test_a_report_that_was_not_kept_reaches_nothing() -> None:
    """The service makes it again."""
    world = World()
    world.ledger.down = True
    with pytest.raises(Unavailable):
        world.reports.take_over("query", [a_count(1)], [])
    assert world.counters.accounted == {}


def test_an_answer_that_is_out_is_counted() -> None:
    """The reader waits for its report, and no longer."""
    world = World()
    world.counters.admitted_by[MONTH] = 2
    world.ledger.take_over("query", [a_count(0, 1)], [])
    world.waiting.arriving = [(0.1, a_count(1, 1))]
    assert world.reading.read(HERE).usage.used.queries == 1
    assert 0.1 <= world.waiting.seconds < 0.15
    assert world.counters.noted == []


def test_a_reader_does_not_wait_for_ever() -> None:
    """What is in flight, or lost, is not waited for beyond a quarter of a second, and looked at later."""
    world = World()
    world.counters.admitted_by[MONTH] = 1
    assert world.reading.read(HERE).usage.used.queries == 0
    assert world.waiting.seconds == pytest.approx(0.25)
    assert world.counters.noted == [MONTH]


def test_what_is_let_through_meanwhile_is_not_waited_for() -> None:
    """Else a busy workspace's readers would always wait to the end."""
    world = World()
    world.counters.admitted_by[MONTH] = 1
    world.waiting.arriving = [(0.02, a_count(1))]

    def more() -> None:
        world.counters.admitted_by[MONTH] += 1

    world.counters.asked = more
    world.reading.read(HERE)
    assert world.waiting.seconds == pytest.approx(0.25)
    world.waiting.arriving = [(0.27, a_count(3))]
    world.reading.read(HERE)
    assert world.waiting.seconds == pytest.approx(0.275)


@pytest.mark.parametrize("may_wait", [True, False])
def test_nobody_waits_without_a_reason(may_wait: bool) -> None:
    """All is accounted for, or nobody knows, or too many wait already."""
    world = World(may_wait=may_wait)
    world.ledger.take_over("query", [a_count(1)], [])
    if not may_wait:
        world.counters.admitted_by[MONTH] = 5
    assert world.reading.read(HERE).usage.used.queries == 1
    assert world.waiting.seconds == 0


def test_the_month_is_the_present_one() -> None:
    """What was used before is not held against it; the knowledge base is what it is."""
    world = World()
    world.ledger.take_over("query", [a_count(7)], [KnowledgeStock(HERE, 3, 30, 1)])
    assert world.reading.used(HERE).queries == 7
    world.clock.advance(10 * 86_400)
    reading = world.reading.read(HERE)
    assert reading.month == Month(2026, 12)
    assert (reading.usage.used.queries, reading.usage.used.documents) == (0, 3)


@pytest.mark.parametrize(("plan", "limit"), [("growth", 600), ("starter", 60)])
def test_the_limit_by_the_minute_is_the_one_that_is_met(plan: str, limit: int) -> None:
    """Without API access only the widget can ask."""
    assert World(plan).reading.read(HERE).requests_per_minute == limit


def test_a_round_settles_what_was_counted_in() -> None:
    """With what the ledger knows of each; of a bounded number."""
    world = World()
    world.ledger.take_over("query", [a_count(2, 1)], [])
    world.counters.admitted_by[MONTH] = 9
    for number in range(MOST + 5):
        world.counters.admitted_by[WorkspaceId(f"ws_{number}"), Month(2026, 10)] = 1
    assert world.reconciliation.go_round() == MOST
    assert world.counters.settled[MONTH] == Totals(2, 1)
    assert world.counters.admitted_by[MONTH] == 3
    assert world.reconciliation.go_round() == 6
    assert world.reconciliation.go_round() == 0


def test_nothing_is_settled_without_the_ledger() -> None:
    """The count stays as it is."""
    world = World()
    world.counters.admitted_by[MONTH] = 9
    world.ledger.down = True
    with pytest.raises(Unavailable):
        world.reconciliation.go_round()
    assert world.counters.admitted_by[MONTH] == 9
