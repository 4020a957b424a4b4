"""Tells another service what has changed: at once, several changes together, again until it arrives."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import structlog

from services.kernel.errors import DomainError, ErrorKind

# Between two reports, so that a busy service reports many changes at once.
_PACE_SECONDS = 0.1
# Without a change it looks this often, in case another process left some.
_IDLE_SECONDS = 5.0
_FIRST_RETRY_SECONDS = 0.1
_LAST_RETRY_SECONDS = 5.0

_log = structlog.get_logger(__name__)

Item = TypeVar("Item")


class Reportable(Protocol[Item]):
    """What is to be reported: states, not differences, so that a report may be repeated."""

    # Set when there may be something.
    wake: threading.Event

    def take(self) -> Sequence[Item]:
        """Return what has changed since it was last reported, a bounded number; raise Unavailable."""

    def reported(self, items: Sequence[Item]) -> None:
        """Take note that these arrived; what has changed since then is to be taken again."""


class Reporter(Generic[Item]):
    """A thread that reports."""

    def __init__(self, reportable: Reportable[Item], send: Callable[[Sequence[Item]], None]) -> None:
        """`send` raises when a report has to be made again; it may see the same twice."""
        self._reportable = reportable
        self._send = send
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def start(self) -> None:
        """Begin; what an earlier process left behind comes first."""
        self._thread.start()

    def stop(self) -> None:
        """Report what is left, once, and end."""
        self._stopping.set()
        self._reportable.wake.set()
        self._thread.join()

    def report(self) -> bool:
        """Report once what has changed; return whether something had. Raises what stood in the way."""
        items = self._reportable.take()
        if not items:
            return False
        self._send(items)
        self._reportable.reported(items)
        return True

    def _run(self) -> None:
        failures = 0
        while True:
            self._reportable.wake.clear()
            last = self._stopping.is_set()
            try:
                more, failures = self.report(), 0
            except Exception as error:
                more, failures = False, failures + 1
                _log_failure(error)
            if last:
                return
            if failures:
                delay = _FIRST_RETRY_SECONDS * 2 ** min(failures - 1, 10)
                self._stopping.wait(min(_LAST_RETRY_SECONDS, delay))
            elif more:
                self._stopping.wait(_PACE_SECONDS)
            else:
                self._reportable.wake.wait(_IDLE_SECONDS)


def _log_failure(error: Exception) -> None:
    away = isinstance(error, DomainError) and error.kind in (
        ErrorKind.UNAVAILABLE,
        ErrorKind.DEADLINE_EXCEEDED,
    )
    _log.warning("report_postponed", exc_info=None if away else error)
