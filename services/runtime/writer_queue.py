"""Whose turn it is to write to a SQLite file, among the threads and processes that share it."""

import fcntl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from services.kernel.errors import Unavailable

_POLL_SECONDS = 0.002


class FairLock:
    """
    A lock whose holders follow each other in the order in which they came.

    With Python's own, a thread that lets go and comes again at once is first again: what writes in a loop
    kept others waiting for seconds.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held = False
        # A lock that each waits for; who lets go hands over to the first.
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait for at most `timeout` seconds; return whether it is held now."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            place = threading.Lock()
            place.acquire()
            self._waiting.append(place)
        if place.acquire(timeout=timeout):
            return True
        with self._mutex:
            if place in self._waiting:
                self._waiting.remove(place)
                return False
        # Handed over at the last moment.
        return True

    def release(self) -> None:
        """Hand over to who has waited longest."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


class WriterQueue:
    """
    Keeps a process that writes without a pause from starving the others.

    SQLite's own waiting is a loop of sleeps, which hardly ever meets the short gap between two writes of
    another process. So whoever is next locks the file `<database>-turn` until its transaction has begun: who
    has just written must pass there again, and cannot overtake. The lock is about fairness only; SQLite's
    own is what keeps writers apart, and the kernel lets go of this one when its process dies.
    """

    def __init__(self, database: str, patience: float) -> None:
        """`patience`: seconds to wait for the other threads, and for the turn."""
        self._path = Path(f"{database}-turn")
        self._patience = patience
        self._one_thread = FairLock()

    @contextmanager
    def turn(self) -> Iterator[Callable[[], None]]:
        """
        Wait for the turn; what it gives is to be called once the transaction has begun.

        Raises:
            Unavailable: another thread writes for longer than anybody should, or the folder is gone.
        """
        end = time.monotonic() + self._patience
        if not self._one_thread.acquire(timeout=self._patience):
            raise Unavailable("The database does not answer.")
        try:
            with self._open() as file:
                _lock(file, end)
                yield file.close
        finally:
            self._one_thread.release()

    def _open(self) -> IO[bytes]:
        try:
            return self._path.open("ab")
        except OSError as error:
            raise Unavailable("The database does not answer.") from error


def _lock(file: IO[bytes], end: float) -> None:
    """Lock the file, or go on without where its holder hangs: SQLite then decides."""
    while time.monotonic() < end:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)
        else:
            return
