"""Threads for what has to wait, with a bound on how much of it there is and how long it may take to begin."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Busy(Exception):
    """There is too much to do; the work was not begun."""


class BoundedThreads:
    """Runs work of an event loop aside. `run` is for that loop's thread alone."""

    def __init__(self, name: str, threads: int, *, most: int, patience_seconds: float) -> None:
        """`most`: how much work may be there at once, begun or not."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = most
        self._patience = patience_seconds
        self._present = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """
        Return what `work` returns.

        Raises:
            Busy: too much work is there, or none of the threads had time within `patience_seconds`, after
                which nobody waits for the result any more.
        """
        if self._present >= self._most:
            raise Busy
        until = time.monotonic() + self._patience
        self._present += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _in_time, work, until)
        finally:
            self._present -= 1

    def close(self) -> None:
        """End the threads after what they have begun."""
        self._threads.shutdown(cancel_futures=True)


def _in_time(work: Callable[[], Result], until: float) -> Result:
    if time.monotonic() > until:
        raise Busy
    return work()
