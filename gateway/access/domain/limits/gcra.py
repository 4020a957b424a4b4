"""
A bucket's arithmetic: the generic cell rate algorithm (ITU-T I.371) in whole microseconds.

A bucket's whole state is the time at which it is full again (the theoretical arrival time); here it is told
as the time until then, `full_in`: 0 for a full bucket, `depth` for an empty one.
"""

from dataclasses import dataclass
from functools import lru_cache

MINUTE = 60_000_000


@dataclass(frozen=True)
class Gcra:
    """How a bucket fills: a token every `interval`, from empty to full in `depth`, in microseconds."""

    interval: int
    depth: int

    def left(self, full_in: int) -> int:
        """Return how many whole tokens are in it."""
        return (self.depth - full_in) // self.interval

    def wait(self, full_in: int) -> int:
        """Return how long until there is a token, 0 where there is one."""
        return max(0, full_in + self.interval - self.depth)


@lru_cache(maxsize=1024)
def gcra(limit: int) -> Gcra:
    """
    Return how a bucket of `limit` tokens a minute fills.

    The interval is rounded up, so that never more than the limit passes.
    """
    interval = -(-MINUTE // max(limit, 1))
    return Gcra(interval, max(limit, 0) * interval)
