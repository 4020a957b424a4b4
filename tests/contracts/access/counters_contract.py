"""What every implementation of `Counters` does; its tests let no token come back while they run."""

from abc import ABC, abstractmethod

import pytest

from gateway.access.domain.limits.counters import Counters
from gateway.access.domain.metering import Account, Bucket
from gateway.access.domain.usage.ledger import Totals
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId

ACME, OTHER = WorkspaceId("ws_acme"), WorkspaceId("ws_other")
NOVEMBER, DECEMBER = Month(2026, 11), Month(2026, 12)
NEVER = 1000


def bucket(limit: int, name: str = "workspace:acme", *, refuses: bool = True) -> Bucket:
    """A bucket of a workspace."""
    return Bucket(name, "workspace", limit, refuses)


def account(*buckets: Bucket, queries: int | None = None, workspace_id: WorkspaceId = ACME) -> Account:
    """An account of a workspace."""
    return Account(workspace_id, buckets, queries)


class CountersContract(ABC):
    """Subclasses have a fixture `given_counters`."""

    counters: Counters

    @pytest.fixture(autouse=True)
    def _given(self, given_counters: Counters) -> None:
        self.counters = given_counters

    def tokens(self, of: Account, least: int = 1, most: int = 0, month: Month = NOVEMBER) -> int:
        """Take and return how many there were."""
        taken = self.counters.take(of, month, least, most)
        assert taken is not None
        return taken.tokens

    def test_limit(self) -> None:
        """As many tokens as the limit are there, and no more."""
        one = account(bucket(5))

        assert [self.tokens(one) for _ in range(7)] == [1, 1, 1, 1, 1, 0, 0]

    def test_part(self) -> None:
        """Of more than there is, as many as there are."""
        one = account(bucket(5))

        assert self.tokens(one, least=3) == 3
        assert self.tokens(one, least=3) == 2

    @pytest.mark.parametrize(("most", "tokens"), [(2, 2), (5, 5), (6, 6), (32, 6)])
    def test_ahead(self, most: int, tokens: int) -> None:
        """Ahead of use at most a sixteenth of what is left."""
        assert self.tokens(account(bucket(100)), least=1, most=most) == tokens

    def test_near(self) -> None:
        """Near the limit nothing is taken ahead."""
        assert self.tokens(account(bucket(31)), least=1, most=32) == 1

    def test_tightest(self) -> None:
        """The emptiest bucket decides, and a refusal takes from none."""
        wide, narrow = bucket(10), bucket(2, "key:one")
        both = account(narrow, wide)

        assert [self.tokens(both) for _ in range(4)] == [1, 1, 0, 0]
        assert self.tokens(account(wide), least=10) == 8

    def test_state(self) -> None:
        """The answer tells when each bucket is full again."""
        slow, fast = bucket(1, "key:one"), bucket(60)

        taken = self.counters.take(account(slow, fast), NOVEMBER, 1, 0)

        assert taken is not None
        assert taken.full_in == (60_000_000, 1_000_000)

    def test_counted_down(self) -> None:
        """A bucket that does not refuse is emptied and gives all the same."""
        writes = account(bucket(2, refuses=False))

        assert self.tokens(writes, least=5) == 5
        taken = self.counters.take(writes, NOVEMBER, 1, 32)

        assert taken is not None
        assert taken.tokens == 1
        assert 59_000_000 < taken.full_in[0] <= 60_000_000

    def test_nothing_allowed(self) -> None:
        """A limit of nothing lets nothing through."""
        assert self.tokens(account(bucket(0))) == 0

    def test_workspaces(self) -> None:
        """Buckets and months of one workspace are not those of another."""
        mine = account(bucket(1), queries=1)
        other = account(bucket(1, "workspace:other"), queries=1, workspace_id=OTHER)
        self.counters.rebuild(ACME, NOVEMBER, Totals())
        self.counters.rebuild(OTHER, NOVEMBER, Totals())

        assert [self.tokens(mine), self.tokens(mine)] == [1, 0]
        assert [self.tokens(other), self.tokens(other)] == [1, 0]

    def test_give_back(self) -> None:
        """What was not used can be taken again; never more than the limit."""
        one = account(bucket(5), queries=100)
        self.counters.rebuild(ACME, NOVEMBER, Totals())
        taken = self.counters.take(one, NOVEMBER, 5, 0)
        assert taken is not None

        self.counters.give_back(one, NOVEMBER, 2, taken.counted)
        assert self.tokens(one, least=5) == 2
        self.counters.give_back(one, NOVEMBER, 9, taken.counted)

        assert self.tokens(one, least=9) == 5

    def test_missing_month(self) -> None:
        """Where the month's count is missing nothing is taken."""
        one = account(bucket(5), queries=3)

        assert self.counters.take(one, NOVEMBER, 1, 1) is None
        assert self.counters.counted(ACME, NOVEMBER) is None
        assert self.tokens(account(bucket(5)), least=9) == 5

    def test_month(self) -> None:
        """A month has as many queries as its limit, those of the ledger included."""
        one = account(bucket(900), queries=10)
        self.counters.rebuild(ACME, NOVEMBER, Totals(counted=7, uncounted=4))

        assert self.tokens(one, least=5) == 3
        assert self.tokens(one) == 0
        counted = self.counters.counted(ACME, NOVEMBER)
        assert counted is not None
        assert (counted.admitted, counted.uncounted, counted.used) == (14, 4, 10)
        assert self.tokens(account(bucket(900)), least=900) == 897

    def test_month_ahead(self) -> None:
        """Of a month, too, only a sixteenth is taken ahead."""
        one = account(bucket(900), queries=40)
        self.counters.rebuild(ACME, NOVEMBER, Totals())

        assert self.tokens(one, least=1, most=32) == 2

    def test_lowered_limit(self) -> None:
        """A month of which more is used than it has now gives nothing."""
        self.counters.rebuild(ACME, NOVEMBER, Totals(counted=70))

        assert self.tokens(account(bucket(900), queries=10), least=1, most=32) == 0

    def test_next_month(self) -> None:
        """Every month is counted by itself."""
        one = account(bucket(900), queries=1)
        self.counters.rebuild(ACME, NOVEMBER, Totals(counted=1))
        self.counters.rebuild(ACME, DECEMBER, Totals())

        assert self.tokens(one) == 0
        assert self.tokens(one, month=DECEMBER) == 1

    def test_rebuilt_once(self) -> None:
        """A count that is there is not begun again: what was let through since stays."""
        one = account(bucket(900), queries=10)
        self.counters.rebuild(ACME, NOVEMBER, Totals())
        self.tokens(one, least=4)

        self.counters.rebuild(ACME, NOVEMBER, Totals(counted=1))

        assert self._admitted() == 4

    def test_given_back_to_another_count(self) -> None:
        """Tokens do not go back into a count that was begun after they were taken."""
        one = account(bucket(900), queries=10)
        self.counters.rebuild(ACME, NOVEMBER, Totals())
        taken = self.counters.take(one, NOVEMBER, 4, 0)
        assert taken is not None
        self.lose_months()
        self.counters.rebuild(ACME, NOVEMBER, Totals())
        self.tokens(one, least=5)

        self.counters.give_back(one, NOVEMBER, 4, taken.counted)

        assert self._admitted() == 5

    def test_accounted(self) -> None:
        """What the ledger says only grows, and at least that much was let through."""
        self.counters.rebuild(ACME, NOVEMBER, Totals(counted=5, uncounted=2))

        self.counters.account(ACME, NOVEMBER, Totals(counted=9, uncounted=1))

        counted = self.counters.counted(ACME, NOVEMBER)
        assert counted is not None
        assert (counted.admitted, counted.uncounted) == (11, 2)

    def test_given_back_after_accounting(self) -> None:
        """What is accounted for stays let through, whatever goes back."""
        one = account(bucket(900), queries=100)
        self.counters.rebuild(ACME, NOVEMBER, Totals())
        taken = self.counters.take(one, NOVEMBER, 4, 0)
        assert taken is not None
        self.counters.account(ACME, NOVEMBER, Totals(counted=3))

        self.counters.give_back(one, NOVEMBER, 4, taken.counted)

        assert self._admitted() == 3

    def test_missing_stays_missing(self) -> None:
        """A report does not begin a count."""
        self.counters.account(ACME, NOVEMBER, Totals(counted=9))

        assert self.counters.counted(ACME, NOVEMBER) is None

    def test_settle_missing(self) -> None:
        """Settling a count that is missing rebuilds it."""
        assert self.counters.settle(ACME, NOVEMBER, Totals(counted=9, uncounted=1), NEVER)

        assert self._admitted() == 10

    def test_settle_open(self) -> None:
        """What was let through lately is not dropped."""
        self._open(4)

        assert not self.counters.settle(ACME, NOVEMBER, Totals(counted=3), NEVER)

        assert self._admitted() == 4

    def test_settle_all_accounted(self) -> None:
        """Where all is accounted for there is nothing left to settle."""
        self._open(4)

        assert self.counters.settle(ACME, NOVEMBER, Totals(counted=3, uncounted=1), NEVER)

    def test_settle_quiet(self) -> None:
        """What was let through long ago and is not accounted for is dropped."""
        self._open(4)

        assert self.counters.settle(ACME, NOVEMBER, Totals(counted=3), 0)

        assert self._admitted() == 3

    @abstractmethod
    def lose_months(self) -> None:
        """Lose all months' counts."""

    def _open(self, queries: int) -> None:
        self.counters.rebuild(ACME, NOVEMBER, Totals())
        self.tokens(account(bucket(900), queries=100), least=queries)

    def _admitted(self) -> int:
        counted = self.counters.counted(ACME, NOVEMBER)
        assert counted is not None
        return counted.admitted
