"""The right to serve."""

import pytest

from services.vector_search.domain.lease import Lease
from tests.fakes.vector_search_data import Seconds


@pytest.fixture
def clock() -> Seconds:
    """Return a clock that stands."""
    return Seconds()


def test_serves_only_with_a_lease_and_level(clock: Seconds) -> None:
    """Neither a lease nor being level is enough alone."""
    lease = Lease(clock)
    lease.caught_up()
    assert not lease.may_serve
    lease.renew(clock(), 10)
    assert lease.held
    assert not lease.may_serve
    lease.caught_up()
    assert lease.may_serve


def test_counts_from_when_the_request_was_sent(clock: Seconds) -> None:
    """Time that an answer took is not the replica's."""
    lease = Lease(clock)
    sent_at = clock()
    clock.now += 4
    lease.renew(sent_at, 10)
    lease.caught_up()
    clock.now = sent_at + 9.99
    assert lease.may_serve
    clock.now = sent_at + 10
    assert not lease.may_serve


def test_a_lapsed_lease_must_catch_up_again(clock: Seconds) -> None:
    """After a gap, deletions may have been reported as done without this replica."""
    lease = Lease(clock)
    lease.renew(clock(), 10)
    lease.caught_up()
    clock.now += 11
    assert lease.renew(clock(), 10) is False
    assert lease.held
    assert not lease.may_serve


def test_renewal_in_time_goes_on_serving(clock: Seconds) -> None:
    """An unbroken lease needs no catching up."""
    lease = Lease(clock)
    lease.renew(clock(), 10)
    lease.caught_up()
    clock.now += 9
    assert lease.renew(clock(), 10) is True
    clock.now += 9
    assert lease.may_serve


def test_a_late_answer_never_shortens(clock: Seconds) -> None:
    """A renewal that overtook another one stands."""
    lease = Lease(clock)
    first = clock()
    clock.now += 3
    lease.renew(clock(), 10)
    lease.renew(first, 10)
    clock.now += 9.5
    assert lease.held


def test_an_answer_that_comes_too_late_gives_nothing(clock: Seconds) -> None:
    """A lease that was over before it arrived is no lease."""
    lease = Lease(clock)
    sent_at = clock()
    clock.now += 20
    lease.renew(sent_at, 10)
    lease.caught_up()
    assert not lease.may_serve
