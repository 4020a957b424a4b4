"""Counters of one process alone."""

from gateway.access.domain.limits.in_process import InProcessCounters
from gateway.access.domain.metering import Account, Bucket
from tests.unit.access.limits_world import ACME, NOVEMBER


class _Counting:
    def __init__(self) -> None:
        self.now = 0
        self._counters = InProcessCounters(lambda: self.now, capacity=10)

    def taken(self, number: int) -> int:
        """Take a token of a bucket with one for each second; return how many are taken."""
        account = Account(ACME, (Bucket(f"address:{number}", "address", 60),))
        return self._counters.take(account, NOVEMBER, 1, 0).full_in[0] // 1_000_000


def test_full_ones_go_first() -> None:
    """Of too many buckets those are forgotten first that are full, whatever their age."""
    counting = _Counting()
    for _ in range(3):
        counting.taken(0)
    for number in range(1, 6):
        counting.taken(number)
    counting.now = 1_000_000

    for number in range(6, 12):
        counting.taken(number)

    assert [counting.taken(number) for number in (0, 6, 11)] == [3, 2, 2]


def test_unused_ones_go_next() -> None:
    """Where none is full those are forgotten that nobody has asked for longest."""
    counting = _Counting()
    for number in range(11):
        counting.taken(number)

    assert [counting.taken(number) for number in (2, 10, 0)] == [2, 2, 1]


def test_one_in_use_is_not_forgotten() -> None:
    """However many others come: a crowd of addresses does not refill what is empty."""
    counting = _Counting()
    for number in range(1, 100):
        counting.taken(0)
        counting.taken(number)

    assert counting.taken(0) == 60
