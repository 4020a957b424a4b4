"""Tokens that this process has taken ahead of use, so that most requests cost no round trip."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from weakref import WeakValueDictionary

from gateway.access.domain.limits.counters import Counted, Taken
from gateway.access.domain.limits.gcra import gcra
from gateway.access.domain.limits.known_levels import KnownBucket, KnownMonth
from gateway.access.domain.limits.lease import Lease, Refusal, Unspent
from gateway.access.domain.metering import Account, Admitted, Bucket, Exceeded
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId

_SECOND = 1_000_000
# Tokens are used in this time after they were taken, or after more were added to them, and then go back.
LIFETIME = _SECOND // 2
# Other processes may give back what this one was refused.
REFUSAL_LIFETIME = _SECOND // 4
# A lease that is used up in this time is too small.
_SOON = _SECOND // 4
MOST = 128
CAPACITY = 20_000


class Leases:
    """
    Leases by account, in memory; safe to use from many threads, none of which is ever kept waiting here.

    `now`: microseconds of a clock that never goes back.
    """

    def __init__(
        self,
        now: Callable[[], int],
        capacity: int = CAPACITY,
        *,
        refills: bool = True,
    ) -> None:
        """`refills`: somebody takes the accounts out of `low`, and refills them."""
        self._now = now
        self._refills = refills
        # The accounts that have little left; None is for who is to end.
        self.low = SimpleQueue[Account | None]()
        self._capacity = capacity
        self._lock = threading.Lock()
        self._leases: dict[Account, Lease] = {}
        self._buckets = WeakValueDictionary[Bucket, KnownBucket]()
        self._months = WeakValueDictionary[tuple[WorkspaceId, Month], KnownMonth]()

    def decide(self, account: Account) -> Admitted | Exceeded | None:
        """Let a request pass on a token that is set aside, or refuse it like the last one; None: unknown."""
        lease = self._leases.get(account)
        if lease is None or (not lease.tokens and lease.refusal is None):
            return None
        with self._lock:
            now = self._now()
            if now >= lease.until:
                return None
            if lease.tokens:
                admitted = _spend(lease, now)
                if lease.is_low and not lease.refilling and self._refills:
                    lease.refilling = True
                    self.low.put(account)
                return admitted
            return None if lease.refusal is None else _exceeded(lease, lease.refusal, now)

    @contextmanager
    def turn(self, account: Account) -> Iterator[Lease]:
        """Wait until no other thread asks the counters for this account; `waiting` counts this one, too."""
        with self._lock:
            lease = self._leases.get(account)
            if lease is None:
                lease = Lease(account)
                if len(self._leases) < self._capacity:
                    self._leases[account] = lease
            lease.waiting += 1
        try:
            with lease.asking:
                yield lease
        finally:
            with self._lock:
                lease.waiting -= 1

    def wanted(self, lease: Lease) -> int:
        """Return how many tokens to take if they are to be had; call it in the lease's turn."""
        now = self._now()
        if now >= lease.until:
            lease.size = 1
        elif now - lease.taken_at <= _SOON:
            lease.size = min(2 * lease.size, MOST)
        return lease.size

    def put(
        self, lease: Lease, month: Month, taken: Taken, asked_at: int, month_in: int
    ) -> Admitted | Exceeded:
        """
        Take over what the counters answered in the lease's turn, and use one token of it.

        `asked_at`: when they were asked, by this clock; `month_in`: how long the month lasts from now on.
        """
        with self._lock:
            now = self._now()
            self._learn(lease, month, taken, asked_at, now)
            lease.taken_at = now
            if not taken.tokens:
                lease.refusal = refusal = _refusal(lease.account, taken, now, month_in)
                lease.until = min(now + REFUSAL_LIFETIME, refusal.ends)
                return _exceeded(lease, refusal, now)
            self._keep(lease, month, taken, now, month_in)
            return _spend(lease, now)

    def needs_refill(self, lease: Lease, month: Month) -> bool:
        """Return whether there is still something left that more can be added to."""
        return bool(lease.tokens) and self._now() < lease.until and lease.month == month

    def refill(
        self, lease: Lease, month: Month, taken: Taken | None, asked_at: int, month_in: int
    ) -> list[Unspent]:
        """
        Add what the counters answered (None: nothing) in the lease's turn.

        Return what is not to be mixed with it, to be given back.
        """
        with self._lock:
            lease.refilling = False
            if taken is None or not taken.tokens:
                return []
            unspent = _withdrawn(lease) if _born(lease.counted) != _born(taken.counted) else []
            now = self._now()
            self._learn(lease, month, taken, asked_at, now)
            lease.taken_at = now
            self._keep(lease, month, taken, now, month_in)
            return unspent

    def withdraw(self, lease: Lease) -> list[Unspent]:
        """Return what is left of a lease, and hold it no longer."""
        with self._lock:
            return _withdrawn(lease)

    def withdraw_sharing(self, lease: Lease) -> list[Unspent]:
        """Return all tokens out of the buckets, or of the month, of a lease, and hold them no longer."""
        if not any(each.held for each in (*lease.buckets, lease.known_month) if each is not None):
            return []
        account = lease.account
        buckets = {each.name for each in account.buckets}
        leases = [
            each
            for each in tuple(self._leases.values())
            if each.tokens and _shares(each.account, account, buckets)
        ]
        return [unspent for each in leases for unspent in self.withdraw(each)]

    def withdraw_all(self) -> list[Unspent]:
        """Return all tokens, and hold none any longer."""
        return [unspent for each in tuple(self._leases.values()) for unspent in self.withdraw(each)]

    def lapsed(self) -> list[Unspent]:
        """Return the tokens that were not used in their time, and hold them no longer."""
        now = self._now()
        unspent = []
        for lease in tuple(self._leases.values()):
            if now < lease.until or lease.waiting:
                continue
            with self._lock:
                if not lease.waiting and now >= lease.until:
                    unspent += _withdrawn(lease)
                    self._leases.pop(lease.account, None)
        return unspent

    def held(self, workspace_id: WorkspaceId, month: Month) -> int:
        """Return how many queries of a month are set aside."""
        known = self._months.get((workspace_id, month))
        return 0 if known is None else known.held

    @property
    def tokens(self) -> int:
        """How many tokens are set aside."""
        return sum(each.tokens for each in tuple(self._leases.values()))

    def _keep(self, lease: Lease, month: Month, taken: Taken, now: int, month_in: int) -> None:
        lease.refusal = None
        lease.until = now + min(LIFETIME, max(month_in, 1))
        lease.tokens += taken.tokens
        lease.most = lease.tokens
        lease.month, lease.counted = month, taken.counted
        for each in lease.buckets:
            each.held += taken.tokens
        if lease.known_month is not None:
            lease.known_month.held += taken.tokens

    def _learn(self, lease: Lease, month: Month, taken: Taken, asked_at: int, now: int) -> None:
        account = lease.account
        lease.buckets = tuple([self._buckets.setdefault(each, KnownBucket(each)) for each in account.buckets])
        for known, full_in in zip(lease.buckets, taken.full_in, strict=True):
            known.learn(full_in, asked_at, now)
        lease.known_month = None
        if taken.counted is not None:
            key = account.workspace_id, month
            lease.known_month = self._months.setdefault(key, KnownMonth())
            lease.known_month.learn(taken.counted)


def _born(counted: Counted | None) -> int | None:
    return None if counted is None else counted.born


def _spend(lease: Lease, now: int) -> Admitted:
    lease.tokens -= 1
    levels = [each.spend(now) for each in lease.buckets]
    month = lease.known_month
    if month is None:
        return Admitted(levels)
    month.held -= 1
    return Admitted(levels, month.used)


def _refusal(account: Account, taken: Taken, now: int, month_in: int) -> Refusal:
    queries, counted = account.queries, taken.counted
    if queries is not None and counted is not None and counted.used >= queries:
        return Refusal(None, now + month_in)
    waits = [
        (gcra(bucket.limit).wait(full_in), bucket)
        for bucket, full_in in zip(account.buckets, taken.full_in, strict=True)
        if bucket.refuses
    ]
    wait, bucket = max(waits, key=lambda each: each[0])
    return Refusal(bucket, now + wait)


def _exceeded(lease: Lease, refusal: Refusal, now: int) -> Exceeded:
    levels = [each.level(now) for each in lease.buckets]
    used = None if lease.known_month is None else lease.known_month.used
    return Exceeded(levels, refusal.bucket, (refusal.ends - now) / _SECOND, used)


def _withdrawn(lease: Lease) -> list[Unspent]:
    tokens, lease.tokens = lease.tokens, 0
    if not tokens:
        return []
    assert lease.month is not None
    for each in lease.buckets:
        each.give_back(tokens)
    if lease.known_month is not None:
        lease.known_month.give_back(tokens)
    return [Unspent(lease.account, lease.month, tokens, lease.counted)]


def _shares(one: Account, other: Account, buckets: set[str]) -> bool:
    if one.workspace_id != other.workspace_id:
        return False
    both_query = one.queries is not None and other.queries is not None
    return both_query or any(each.name in buckets for each in one.buckets)
