"""Keeps requests from waiting for a server that is away."""

import threading
import time
from collections.abc import Callable


class Breaker:
    """
    Opens with the first failure and is closed from outside, by who has tried again; thread-safe.

    It is open, too, while a call takes longer than `patience` seconds, since that call's failure is to come
    (a name that is not resolved, say, knows no timeout).
    """

    def __init__(self, patience: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._monotonic = monotonic
        self._tripped = False
        # By thread, when its call began.
        self._calls: dict[int, float] = {}

    @property
    def is_open(self) -> bool:
        """Whether calls should not be made now."""
        if self._tripped:
            return True
        latest = self._monotonic() - self._patience
        return any(began < latest for began in tuple(self._calls.values()))

    def trip(self) -> bool:
        """Open it; False: it was."""
        was_closed, self._tripped = not self._tripped, True
        return was_closed

    def close(self) -> bool:
        """Let calls be made again; False: they were."""
        was_tripped, self._tripped = self._tripped, False
        return was_tripped

    def begin(self) -> None:
        """Note that the present thread's call begins."""
        self._calls[threading.get_ident()] = self._monotonic()

    def end(self) -> None:
        """Note that it ended."""
        self._calls.pop(threading.get_ident(), None)
