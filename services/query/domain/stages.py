"""How long each stage of a question took."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stages:
    """The stages of one question; one that is entered twice counts both times."""

    def __init__(self, monotonic: Callable[[], float] = time.perf_counter) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count what is done inside as a stage's."""
        began = self._monotonic()
        try:
            yield
        finally:
            self._seconds[name] += self._monotonic() - began

    def left(self, seconds: float | None) -> float | None:
        """Return what is left, not below 0, of so many seconds since the beginning; None: no bound."""
        return None if seconds is None else max(0.0, seconds - (self._monotonic() - self._began))

    def milliseconds(self) -> dict[str, float]:
        """Return the time of each stage so far, and of the whole."""
        every = {**self._seconds, "whole": self._monotonic() - self._began}
        return {name: round(seconds * 1000, 2) for name, seconds in every.items()}
