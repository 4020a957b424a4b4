"""What one process has set aside for one account."""

import threading
from dataclasses import dataclass

from gateway.access.domain.limits.counters import Counted
from gateway.access.domain.limits.known_levels import KnownBucket, KnownMonth
from gateway.access.domain.metering import Account, Bucket
from gateway.access.domain.usage.month import Month


@dataclass(frozen=True)
class Unspent:
    """Tokens to be given back."""

    account: Account
    month: Month
    tokens: int
    counted: Counted | None


@dataclass(frozen=True)
class Refusal:
    """Why there was no token: a bucket, or (None) the month; and when there is one again."""

    bucket: Bucket | None
    ends: int


# Smaller leases are not refilled before they are used up.
_WORTH_REFILLING = 8


class Lease:
    """What is known and set aside for one account; all of it belongs to `Leases`."""

    __slots__ = (
        "account",
        "asking",
        "buckets",
        "counted",
        "known_month",
        "month",
        "most",
        "refilling",
        "refusal",
        "size",
        "taken_at",
        "tokens",
        "until",
        "waiting",
    )

    def __init__(self, account: Account) -> None:
        self.account = account
        self.buckets: tuple[KnownBucket, ...] = ()
        self.known_month: KnownMonth | None = None
        self.month: Month | None = None
        self.counted: Counted | None = None
        self.tokens = 0
        # How many they were when some came last.
        self.most = 0
        self.refusal: Refusal | None = None
        # The tokens, or the refusal, are good from `taken_at` until `until`.
        self.taken_at = self.until = 0
        # How many to take the next time; it grows while they are used up soon.
        self.size = 1
        # More was asked for before it is used up.
        self.refilling = False
        # One thread at a time asks the counters; for the others there may be tokens when it is their turn.
        self.asking = threading.Lock()
        self.waiting = 0

    @property
    def is_low(self) -> bool:
        """Whether more should be taken before it is used up."""
        return 2 * self.tokens <= self.most >= _WORTH_REFILLING
