"""Many readers or one writer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """
    Readers share, a writer is alone.

    Fair by turns: readers that come while a writer waits go after it, and those that waited for a writer go
    before the next one. Not re-entrant.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())
        self._readers = 0
        self._readers_waiting = 0
        # Readers that may still enter before the next writer.
        self._admitted = 0
        self._writers_waiting = 0
        self._writing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold off writers."""
        with self._condition:
            self._readers_waiting += 1
            while self._writing or (self._writers_waiting and not self._admitted):
                self._condition.wait()
            self._readers_waiting -= 1
            self._admitted = max(0, self._admitted - 1)
            self._readers += 1
        try:
            yield
        finally:
            with self._condition:
                self._readers -= 1
                if not self._readers:
                    self._condition.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold off everybody else."""
        with self._condition:
            self._writers_waiting += 1
            while self._writing or self._readers or self._admitted:
                self._condition.wait()
            self._writers_waiting -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._condition:
                self._writing = False
                self._admitted = self._readers_waiting
                self._condition.notify_all()
