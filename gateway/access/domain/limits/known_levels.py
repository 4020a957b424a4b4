"""What this process knows of counters: as they answered last, less what it has set aside itself."""

from gateway.access.domain.limits.counters import Counted
from gateway.access.domain.limits.gcra import gcra
from gateway.access.domain.metering import Bucket, Level

_SECOND = 1_000_000


class KnownBucket:
    """A bucket; times in microseconds of this process' clock."""

    __slots__ = ("__weakref__", "_depth", "_full_at", "_interval", "_learnt_at", "bucket", "held")

    def __init__(self, bucket: Bucket) -> None:
        pace = gcra(bucket.limit)
        self.bucket = bucket
        # Tokens taken out of it and not used.
        self.held = 0
        self._interval, self._depth = pace.interval, pace.depth
        self._full_at = self._learnt_at = 0

    def learn(self, full_in: int, asked_at: int, now: int) -> None:
        """Take over an answer; of two whose questions overlapped, the later one shows the emptier bucket."""
        full_at = now + full_in
        self._full_at = max(full_at, self._full_at) if asked_at < self._learnt_at else full_at
        self._learnt_at = now

    def spend(self, now: int) -> Level:
        """Use a token that is held; return what is left then."""
        full_in = max(self._full_at - self.held * self._interval - now, 0) + self._interval
        self.held -= 1
        return self._level(full_in)

    def give_back(self, tokens: int) -> None:
        """Hold some no longer."""
        self.held -= tokens
        self._full_at -= tokens * self._interval

    def level(self, now: int) -> Level:
        """Return what is left."""
        return self._level(max(self._full_at - self.held * self._interval - now, 0))

    def _level(self, full_in: int) -> Level:
        if full_in > self._depth:
            full_in = self._depth
        return Level(self.bucket, (self._depth - full_in) // self._interval, full_in / _SECOND)


class KnownMonth:
    """A workspace's queries of a month."""

    __slots__ = ("__weakref__", "_admitted", "_uncounted", "held")

    def __init__(self) -> None:
        # Counted and not used.
        self.held = 0
        self._admitted = self._uncounted = 0

    @property
    def used(self) -> int:
        """How many are held against the limit."""
        return self._admitted - self._uncounted - self.held

    def learn(self, counted: Counted) -> None:
        """Take over an answer."""
        self._admitted, self._uncounted = counted.admitted, counted.uncounted

    def give_back(self, tokens: int) -> None:
        """Hold some no longer."""
        self.held -= tokens
        self._admitted -= tokens
