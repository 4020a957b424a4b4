"""Tells gRPC's health protocol whether the process, and the part `limits`, do their work."""

from collections.abc import Callable

from services.runtime.health import Health
from services.runtime.periodic import Periodic

LIMITS = "limits"

_PERIOD_SECONDS = 1.0


class HealthWatch:
    """Looks every second; beside the calls, since what it asks may be slow to answer."""

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
        self._looking = Periodic("health-watch", _PERIOD_SECONDS, self.look)

    def start(self) -> None:
        """Look once, and then every second."""
        self.look()
        self._looking.start()

    def stop(self) -> None:
        """End; what was told last stays."""
        self._looking.stop()

    def look(self) -> None:
        """Look, and tell."""
        self._health.set_part(LIMITS, self._counters_answer())
        self._health.set_serving(self._database_answers())
