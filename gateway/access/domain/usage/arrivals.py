"""Tells those who wait that a report has arrived."""

import threading


class Arrivals:
    """Reports that other processes took over are not announced here: who waits looks again after a while."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def announce(self) -> None:
        """Wake all who wait."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for the next report, at most so long."""
        with self._changed:
            self._changed.wait(seconds)
