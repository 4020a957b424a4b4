"""The right to serve: a lease from the feed, and being level with it."""

import threading
from collections.abc import Callable

MonotonicClock = Callable[[], float]
"""Seconds from an arbitrary start; never goes back, and goes on while the machine sleeps."""


class Lease:
    """
    Says whether this replica may answer.

    It may while its lease runs and it was level with the feed at some instant since the lease began: one that
    was cut off has missed deletions that were reported as done without it. Safe to use from several threads.
    """

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: float | None = None
        self._level = False

    def renew(self, sent_at: float, seconds: float) -> bool:
        """
        Prolong the lease to `seconds` after the request was sent.

        Returns False where it had lapsed, or never was: then serving waits until `caught_up` is called.
        """
        with self._lock:
            unbroken = self._until is not None and self._clock() < self._until
            if not unbroken:
                self._level = False
                self._until = None
            self._until = max(self._until or sent_at, sent_at + seconds)
            return unbroken

    def caught_up(self) -> None:
        """Note that everything that was behind when the lease began is applied."""
        with self._lock:
            self._level = self._until is not None and self._clock() < self._until

    @property
    def held(self) -> bool:
        """Whether the lease runs."""
        with self._lock:
            return self._until is not None and self._clock() < self._until

    @property
    def may_serve(self) -> bool:
        """Whether questions may be answered now."""
        with self._lock:
            return self._level and self._until is not None and self._clock() < self._until
