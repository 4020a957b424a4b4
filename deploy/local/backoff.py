"""How long to wait before a process is started again."""

from __future__ import annotations

FIRST = 0.2
LARGEST = 5.0
STEADY = 10.0


class Backoff:
    """Waits that double from 0.2 s to 5 s, and begin anew after a run of 10 s."""

    def __init__(self) -> None:
        self._next = FIRST

    def after_run_of(self, seconds: float) -> float:
        """The wait after a run of this length."""
        if seconds >= STEADY:
            self._next = FIRST
        wait = self._next
        self._next = min(self._next * 2, LARGEST)
        return wait
