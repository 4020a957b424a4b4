"""Writes down when keys were last used, every few seconds."""

import threading

import structlog

from gateway.access.domain.last_use import LastUse
from gateway.access.domain.ports import Keys
from services.kernel.clock import Clock
from services.kernel.errors import Unavailable

PERIOD_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class LastUseWriter:
    """A thread of its own, so that no request waits for the database's writer."""

    def __init__(self, last_use: LastUse, keys: Keys, clock: Clock) -> None:
        self._last_use = last_use
        self._keys = keys
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="last-use", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, end."""
        self._stopping.set()
        self._thread.join()

    def write(self) -> None:
        """Write what was gathered; keep it for the next time where the database does not answer."""
        uses = self._last_use.take(self._clock.now())
        try:
            self._keys.touch(uses)
        except Unavailable:
            self._last_use.give_back(uses)

    def _run(self) -> None:
        while not self._stopping.wait(PERIOD_SECONDS):
            self._write_or_log()
        self._write_or_log()

    def _write_or_log(self) -> None:
        try:
            self.write()
        except Exception:
            # A time that was not noted is no reason to note none from now on.
            _log.exception("last_use_not_written")
