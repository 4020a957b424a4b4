"""Limits in memory: buckets that never fill up again."""

from collections import Counter
from collections.abc import Sequence

from gateway.access.domain.metering import Account, Admitted, Bucket, Exceeded, Level

RETRY_AFTER = 2.1
MONTH_RETRY_AFTER = 86_400.5
FULL_IN_PER_TOKEN = 0.25


class FakeLimits:
    """
    Implements `Limits`; `taken` by bucket and `queries` by workspace are for the tests to read and to set.

    `set_aside` False: nothing can be decided at once. `failing`: `admit` raises it, as no limits should.
    """

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.queries: Counter[str] = Counter()
        self.accounts: list[Account] = []
        self.set_aside = True
        self.failing: Exception | None = None

    def admit_at_once(self, account: Account) -> Admitted | Exceeded | None:
        """Count a request, or refuse it, where tokens are set aside."""
        return self.admit(account) if self.set_aside else None

    def admit(self, account: Account) -> Admitted | Exceeded:
        """Count a request, or refuse it."""
        if self.failing is not None:
            raise self.failing
        self.accounts.append(account)
        full = [each for each in account.buckets if each.refuses and self._left(each) < 1]
        workspace_id, quota = account.workspace_id, account.queries
        if full:
            return Exceeded(self._levels(account), full[0], RETRY_AFTER, self._used(account))
        if quota is not None and self.queries[workspace_id] >= quota:
            return Exceeded(self._levels(account), None, MONTH_RETRY_AFTER, self._used(account))
        self.taken.update(each.name for each in account.buckets)
        if quota is not None:
            self.queries[workspace_id] += 1
        return Admitted(self._levels(account), self._used(account))

    def _left(self, bucket: Bucket) -> int:
        return max(0, bucket.limit - self.taken[bucket.name])

    def _levels(self, account: Account) -> Sequence[Level]:
        return tuple(
            Level(each, self._left(each), (each.limit - self._left(each)) * FULL_IN_PER_TOKEN)
            for each in account.buckets
        )

    def _used(self, account: Account) -> int | None:
        return None if account.queries is None else self.queries[account.workspace_id]
