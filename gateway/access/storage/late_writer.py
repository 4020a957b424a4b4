"""Writes down what requests leave behind, every few seconds: when keys were last used, what was refused."""

from collections.abc import Callable

import structlog

from gateway.access.domain.keys.last_use import LastUse
from gateway.access.domain.ports import Audit, Keys
from gateway.access.domain.refusals import Refusals
from services.kernel.clock import Clock
from services.kernel.errors import Unavailable
from services.runtime.periodic import Periodic

PERIOD_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class LateWriter:
    """A thread of its own, so that no request waits for the database's writer."""

    def __init__(self, last_use: LastUse, keys: Keys, refusals: Refusals, audit: Audit, clock: Clock) -> None:
        self._last_use = last_use
        self._keys = keys
        self._refusals = refusals
        self._audit = audit
        self._clock = clock
        self._writing = Periodic("late-writer", PERIOD_SECONDS, self._write)
        self._ending = False

    def start(self) -> None:
        """Begin."""
        self._writing.start()

    def stop(self) -> None:
        """Write what is left, end."""
        self._writing.stop()
        self._ending = True
        self._write()

    def write_uses(self) -> None:
        """Write the uses that were gathered; keep them for the next time if the database does not answer."""
        uses = self._last_use.take(self._clock.now())
        try:
            self._keys.touch(uses)
        except Unavailable:
            self._last_use.give_back(uses)

    def write_refusals(self) -> None:
        """Write the refusals that are due, or all at the end; keep them if the database does not answer."""
        entries = self._refusals.take(self._clock.now(), all_of_them=self._ending)
        try:
            self._audit.append(entries)
        except Unavailable:
            self._refusals.give_back(entries)

    def _write(self) -> None:
        for write in (self.write_uses, self.write_refusals):
            _or_log(write)


def _or_log(write: Callable[[], None]) -> None:
    try:
        write()
    except Exception:
        # What was not noted is no reason to note nothing from now on.
        _log.exception("late_write_failed", of=write.__name__)
