"""Work that is done again and again beside the requests."""

import threading
from collections.abc import Callable

import structlog

from services.kernel.errors import Unavailable

_log = structlog.get_logger(__name__)


class Periodic:
    """A thread of its own for some work, so that no request waits for it."""

    def __init__(self, name: str, period_seconds: float, work: Callable[[], object]) -> None:
        """`name`: of the thread, and in the log. What `work` raises does not end it."""
        self._name = name
        self._period = period_seconds
        self._work = work
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; the first time is after one period."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is being done."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._period):
            try:
                self._work()
            except Unavailable:
                # What it needs is away; the next time comes.
                _log.debug("periodic_work_postponed", work=self._name)
            except Exception:
                _log.exception("periodic_work_failed", work=self._name)
