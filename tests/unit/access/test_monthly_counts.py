"""The shared count of the month's queries, as the ledger sees to it."""

import pytest

from gateway.access.domain.usage.counters import QUIET_SECONDS
from gateway.access.domain.usage.ledger import Totals
from services.kernel.ids import WorkspaceId
from tests.unit.access.limits_world import ACME, NOVEMBER, LimitsWorld, account

ASK = account(60_000, queries=100_000)


@pytest.fixture
def world() -> LimitsWorld:
    """One process."""
    return LimitsWorld()


def test_admitted(world: LimitsWorld) -> None:
    """What was let through is told without what is set aside."""
    world.passing(ASK, 40)

    assert world.limits.set_aside > 0
    assert world.months.admitted(ACME, NOVEMBER) == 40


def test_taken_back(world: LimitsWorld) -> None:
    """What was no query is not told as let through; where nobody knows the count, nothing happens."""
    world.months.take_back(ACME, NOVEMBER)
    world.passing(ASK, 3)

    world.months.take_back(ACME, NOVEMBER)

    assert world.months.admitted(ACME, NOVEMBER) == 2
    world.counters.down = True
    world.months.take_back(ACME, NOVEMBER)


def test_unknown(world: LimitsWorld) -> None:
    """A count that is missing, or can't be reached, is told as unknown."""
    assert world.months.admitted(ACME, NOVEMBER) is None
    world.passing(ASK, 1)
    world.counters.down = True

    assert world.months.admitted(ACME, NOVEMBER) is None


def test_settled(world: LimitsWorld) -> None:
    """A month that all is accounted for of is not looked at again, until it is counted in."""
    world.passing(ASK, 1)

    assert world.months.settle(ACME, NOVEMBER, Totals(counted=1))
    assert not world.months.unsettled(10)

    world.passing(ASK, 1)
    assert list(world.months.unsettled(10)) == [(ACME, NOVEMBER)]


def test_counted_in_while_settled(world: LimitsWorld) -> None:
    """What is let through while its month is settled is looked at again."""
    world.passing(ASK, 1)
    world.counters.after_settling = lambda: world.months.note(ACME, NOVEMBER)

    assert world.months.settle(ACME, NOVEMBER, Totals(counted=1))

    assert list(world.months.unsettled(10)) == [(ACME, NOVEMBER)]


def test_unsettled(world: LimitsWorld) -> None:
    """A month of which something is open comes to the end of the row."""
    other = WorkspaceId("ws_other")
    world.passing(ASK, 1)
    world.months.note(other, NOVEMBER)

    assert not world.months.settle(ACME, NOVEMBER, Totals())

    assert list(world.months.unsettled(1)) == [(other, NOVEMBER)]
    assert list(world.months.unsettled(9)) == [(other, NOVEMBER), (ACME, NOVEMBER)]


def test_quiet(world: LimitsWorld) -> None:
    """What is not accounted for after a while of silence never will be."""
    world.passing(ASK, 3)
    world.clock.advance(QUIET_SECONDS - 1)
    assert not world.months.settle(ACME, NOVEMBER, Totals(counted=2))

    world.clock.advance(1)
    assert world.months.settle(ACME, NOVEMBER, Totals(counted=2))

    assert world.months.admitted(ACME, NOVEMBER) == 2


def test_never_quiet(world: LimitsWorld) -> None:
    """In a month that is never quiet, what stays open for long is dropped, and nothing that is under way."""
    for second in range(10 * int(QUIET_SECONDS)):
        # One of two is refused behind the gateway, the other one answered a second later.
        world.passing(ASK, 2)
        assert not world.months.settle(ACME, NOVEMBER, Totals(counted=second))
        admitted = world.months.admitted(ACME, NOVEMBER)
        assert admitted is not None
        under_way = 1
        # One a second stays open: for the time of a look at it, and for that of the look before.
        assert under_way <= admitted - second <= under_way + 2 * QUIET_SECONDS
        world.clock.advance(1)
        world.limits.tidy()


def test_away(world: LimitsWorld) -> None:
    """What can't be told the counters now waits for the next round."""
    world.counters.down = True

    world.months.account(ACME, NOVEMBER, Totals(counted=1))

    assert list(world.months.unsettled(10)) == [(ACME, NOVEMBER)]
    assert not world.months.settle(ACME, NOVEMBER, Totals(counted=1))
    assert list(world.months.unsettled(10)) == [(ACME, NOVEMBER)]


def test_catching_up(world: LimitsWorld) -> None:
    """Queries that passed while the counters were away are counted once they are back."""
    world.passing(ASK, 1)
    world.counters.down = True
    world.clock.advance(1)
    world.limits.tidy()
    world.passing(ASK, 5)
    world.counters.down = False
    world.report(6)

    world.months.catch_up()

    assert world.months.admitted(ACME, NOVEMBER) == 6
