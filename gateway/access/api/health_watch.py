"""Tells gRPC's health protocol whether the process, and the part `limits`, do their work."""

import threading
from collections.abc import Callable

import structlog

from services.runtime.health import Health

LIMITS = "limits"

_PERIOD_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class HealthWatch:
    """A thread of its own, since what it asks may be slow to answer."""

    def __init__(
        self, health: Health, database_answers: Callable[[], bool], counters_answer: Callable[[], bool]
    ) -> None:
        """
        Without the database no key is known for long, and the process is not ready.

        Without the shared counters each process limits alone: `limits` is not well, all else is.
        """
        self._health = health
        self._database_answers = database_answers
        self._counters_answer = counters_answer
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health-watch", daemon=True)

    def start(self) -> None:
        """Look once, and then every second."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """End; what was told last stays."""
        self._stopping.set()
        self._thread.join()

    def look(self) -> None:
        """Look, and tell."""
        self._health.set_part(LIMITS, self._counters_answer())
        self._health.set_serving(self._database_answers())

    def _run(self) -> None:
        while not self._stopping.wait(_PERIOD_SECONDS):
            try:
                self.look()
            except Exception:
                # What was not seen now is seen the next time.
                _log.exception("health_not_seen")
