"""Counters of this process alone: what limits while the shared ones are away."""

import threading
from collections.abc import Callable, Sequence
from itertools import islice

from gateway.access.domain.limits.counters import AHEAD, Counted, Taken
from gateway.access.domain.limits.gcra import gcra
from gateway.access.domain.metering import Account, Bucket
from gateway.access.domain.usage.ledger import Totals
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId

CAPACITY = 10_000


class InProcessCounters:
    """
    Implements `Counters` for buckets; of months it knows nothing and lets everything through.

    At most `capacity` buckets: full ones go first, then those asked for longest ago. `now`: microseconds.
    """

    def __init__(self, now: Callable[[], int], capacity: int = CAPACITY) -> None:
        self._now = now
        self._capacity = capacity
        self._lock = threading.Lock()
        # When each is full again.
        self._full_at: dict[str, int] = {}

    def take(self, account: Account, month: Month, least: int, most: int) -> Taken:
        """Take tokens out of all buckets of an account."""
        with self._lock:
            now = self._now()
            full_in = [self._full_in(each, now) for each in account.buckets]
            tokens = _granted(account.buckets, full_in, least, most)
            full_in = [
                self._keep(each, now, before + tokens * gcra(each.limit).interval)
                for each, before in zip(account.buckets, full_in, strict=True)
            ]
            self._bound(now)
        return Taken(tokens, tuple(full_in))

    def learn(self, account: Account, full_in: Sequence[int]) -> None:
        """Take over the state of an account's buckets as others have told it."""
        with self._lock:
            now = self._now()
            for each, state in zip(account.buckets, full_in, strict=True):
                self._keep(each, now, state)
            self._bound(now)

    def give_back(self, account: Account, month: Month, tokens: int, counted: Counted | None) -> None:
        """Put back tokens."""
        with self._lock:
            now = self._now()
            for each in account.buckets:
                self._keep(each, now, self._full_in(each, now) - tokens * gcra(each.limit).interval)

    def rebuild(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """Do nothing."""

    def account(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """Do nothing."""

    def settle(self, workspace_id: WorkspaceId, month: Month, totals: Totals, quiet: int) -> bool:
        """Settle nothing."""
        return False

    def counted(self, workspace_id: WorkspaceId, month: Month) -> Counted | None:
        """Know of none."""
        return None

    def _full_in(self, bucket: Bucket, now: int) -> int:
        return min(max(0, self._full_at.get(bucket.name, now) - now), gcra(bucket.limit).depth)

    def _keep(self, bucket: Bucket, now: int, full_in: int) -> int:
        full_in = min(full_in, gcra(bucket.limit).depth)
        # To the end of the row, where it is forgotten last.
        self._full_at.pop(bucket.name, None)
        if full_in <= 0:
            return 0
        self._full_at[bucket.name] = now + full_in
        return full_in

    def _bound(self, now: int) -> None:
        if len(self._full_at) > self._capacity:
            left = {name: at for name, at in self._full_at.items() if at > now}
            # A tenth at a time: looking at all of them costs more than a request may.
            excess = len(left) - self._capacity
            self._full_at = (
                dict(islice(left.items(), excess + self._capacity // 10, None)) if excess > 0 else left
            )


def _granted(buckets: tuple[Bucket, ...], full_in: list[int], least: int, most: int) -> int:
    for bucket, state in zip(buckets, full_in, strict=True):
        left = gcra(bucket.limit).left(state)
        most = min(most, left // AHEAD)
        if bucket.refuses:
            least = min(least, left)
    return max(least, most)
