"""
Work that is waited for no longer than agreed, whatever it hangs on.

A timeout of the network is for one read: names being looked up, a byte every second or a chain of them pass
it. So the work runs on a thread of its own, and whoever waits stops waiting in time; the thread ends a
little later by its own timeouts.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Event, Thread

from services.query.domain.generation.chat import ChatFailed, Failure

_END = None
_Item = str | Exception | None
Source = Callable[["Patience"], Generator[str, None, None]]


class Patience:
    """How long somebody waits, and whether they still do."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._gone = Event()

    @property
    def seconds(self) -> float:
        """What is left; not above 0 where nobody waits any more."""
        return -1.0 if self._gone.is_set() else self._until - time.monotonic()

    def sleep(self, seconds: float) -> bool:
        """Wait so long; False: nobody waits so long for what comes after."""
        return seconds < self.seconds and not self._gone.wait(seconds)

    def leave(self) -> None:
        """Stop waiting."""
        self._gone.set()


class Waiting:
    """Runs work on threads, at most so many at once. Safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._places = BoundedSemaphore(most)

    def run(self, source: Source, seconds: float) -> Iterator[str]:
        """
        Yield what `source` yields, for at most `seconds`; closing the iterator tells it to stop.

        Raises:
            ChatFailed: TIMEOUT; BUSY, too much hangs already; or what the source raised.
        """
        if not self._places.acquire(blocking=False):
            raise ChatFailed(Failure.BUSY)
        patience = Patience(seconds)
        items: SimpleQueue[_Item] = SimpleQueue()
        thread = Thread(
            target=copy_context().run, args=(self._work, source, patience, items), name="chat", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            self._places.release()
            raise ChatFailed(Failure.BUSY) from None
        try:
            while (item := _next(items, patience)) is not _END:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            patience.leave()

    def _work(self, source: Source, patience: Patience, items: SimpleQueue[_Item]) -> None:
        try:
            with closing(source(patience)) as texts:
                for text in texts:
                    items.put(text)
                    if patience.seconds <= 0:
                        return
            items.put(_END)
        except Exception as error:
            items.put(error)
        finally:
            self._places.release()


def _next(items: SimpleQueue[_Item], patience: Patience) -> _Item:
    left = patience.seconds
    if left <= 0:
        raise ChatFailed(Failure.TIMEOUT)
    try:
        return items.get(timeout=left)
    except Empty:
        raise ChatFailed(Failure.TIMEOUT) from None
