"""The shared counters in memory, for several limits at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from gateway.access.domain.limits.counters import AHEAD, Counted, CountersUnavailable, Taken
from gateway.access.domain.limits.in_process import InProcessCounters
from gateway.access.domain.metering import Account
from gateway.access.domain.usage.ledger import Totals
from gateway.access.domain.usage.month import Month
from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass
class _Count:
    admitted: int
    counted: int
    uncounted: int
    born: int
    at: datetime
    least_open: int | None = None
    since: datetime = _EPOCH

    @property
    def accounted(self) -> int:
        return self.counted + self.uncounted


class FakeCounters:
    """Implements `Counters`; `calls` are counted; `down`, `flush`, `after_settling` are for the tests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._births = 0
        self.calls = 0
        self.down = False
        self.after_settling: Callable[[], None] = lambda: None
        self.flush()

    def now(self) -> int:
        """Return the clock's microseconds."""
        return (self._clock.now() - _EPOCH) // _MICROSECOND

    def flush(self) -> None:
        """Lose everything."""
        self._buckets = InProcessCounters(self.now)
        self._months: dict[tuple[WorkspaceId, Month], _Count] = {}

    def take(self, account: Account, month: Month, least: int, most: int) -> Taken | None:
        """Take tokens out of all buckets, and of the month."""
        self._called()
        if account.queries is None:
            return self._buckets.take(account, month, least, most)
        count = self._months.get((account.workspace_id, month))
        if count is None:
            return None
        left = max(0, account.queries - count.admitted + count.uncounted)
        taken = self._buckets.take(account, month, min(least, left), min(most, left // AHEAD))
        if taken.tokens:
            count.admitted += taken.tokens
            count.at = self._clock.now()
        return replace(taken, counted=_counted(count))

    def give_back(self, account: Account, month: Month, tokens: int, counted: Counted | None) -> None:
        """Put back tokens."""
        self._called()
        self._buckets.give_back(account, month, tokens, None)
        count = self._months.get((account.workspace_id, month))
        if counted is not None and count is not None and count.born == counted.born:
            count.admitted = max(count.admitted - tokens, count.accounted)

    def rebuild(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """Begin a count that is missing."""
        self.settle(workspace_id, month, totals, None)

    def account(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """Take over what the ledger says."""
        if (workspace_id, month) in self._months:
            self.settle(workspace_id, month, totals, None)
        else:
            self._called()

    def settle(self, workspace_id: WorkspaceId, month: Month, totals: Totals, quiet: int | None) -> bool:
        """Drop what will never be accounted for; `quiet` None: nothing."""
        self._called()
        now = self._clock.now()
        count = self._months.get((workspace_id, month))
        if count is None:
            self._births += 1
            accounted = totals.counted + totals.uncounted
            born = _Count(accounted, totals.counted, totals.uncounted, self._births, now)
            self._months[workspace_id, month] = born
            return True
        count.counted = max(count.counted, totals.counted)
        count.uncounted = max(count.uncounted, totals.uncounted)
        count.admitted = max(count.admitted, count.accounted)
        if quiet is not None:
            self._drop(count, timedelta(seconds=quiet))
        if count.admitted == count.accounted:
            count.least_open = None
        self.after_settling()
        return count.admitted == count.accounted

    def counted(self, workspace_id: WorkspaceId, month: Month) -> Counted | None:
        """Return a month's count."""
        self._called()
        count = self._months.get((workspace_id, month))
        return None if count is None else _counted(count)

    def _drop(self, count: _Count, quiet: timedelta) -> None:
        now, open_now = self._clock.now(), count.admitted - count.accounted
        if count.least_open is None:
            count.least_open, count.since = open_now, now
        count.least_open = min(count.least_open, open_now)
        if now - count.at >= quiet:
            count.admitted = count.accounted
        elif now - count.since >= quiet:
            count.admitted -= count.least_open
            count.least_open, count.since = open_now - count.least_open, now

    def _called(self) -> None:
        self.calls += 1
        if self.down:
            raise CountersUnavailable


def _counted(count: _Count) -> Counted:
    return Counted(count.admitted, count.uncounted, count.born)
