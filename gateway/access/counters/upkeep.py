"""What is done about limits beside the requests: giving back, trying again, putting right."""

import threading
import time
from contextlib import suppress

import structlog
from prometheus_client import Counter, Gauge

from gateway.access.counters.redis_counters import RedisCounters
from gateway.access.domain.limits.counters import CountersUnavailable
from gateway.access.domain.limits.monthly_counts import MonthlyCounts
from gateway.access.domain.limits.shared_limits import SharedLimits
from services.runtime.periodic import Periodic

PERIOD_SECONDS = 0.1
# Between two trials of a server: one that is well, one that is not.
WELL_SECONDS = 1.0
AWAY_SECONDS = 0.25

ALONE = Counter("access_limited_alone_total", "Requests that only this process' own counters decided on.")
SET_ASIDE = Gauge("access_tokens_set_aside", "Tokens that were taken ahead of use.")

_log = structlog.get_logger(__name__)


class Upkeep:
    """Threads of its own, so that no request waits for it; nobody else tries a server that is away."""

    def __init__(self, limits: SharedLimits, months: MonthlyCounts, counters: RedisCounters) -> None:
        self._limits = limits
        self._months = months
        self._counters = counters
        self._behind = False
        self._tried_at = 0.0
        self._told_alone = 0
        self._rounds = Periodic("limits-upkeep", PERIOD_SECONDS, self._go_round)
        self._refilling = threading.Thread(target=self._refill, name="limits-refill", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._rounds.start()
        self._refilling.start()

    def stop(self) -> None:
        """End, and give back all that is set aside; no request may come any more."""
        self._limits.end_refills()
        self._refilling.join()
        self._rounds.stop()
        self._limits.stop()

    def go_round(self) -> None:
        """Do what is due."""
        self._limits.tidy()
        self._tell()
        self._behind = self._behind or not self._counters.available
        now = time.monotonic()
        if now - self._tried_at >= (AWAY_SECONDS if self._behind else WELL_SECONDS):
            self._tried_at = now
            self._try_out()

    def _tell(self) -> None:
        SET_ASIDE.set(self._limits.set_aside)
        alone = self._limits.decided_alone
        ALONE.inc(alone - self._told_alone)
        self._told_alone = alone

    def _try_out(self) -> None:
        if self._counters.probe() and self._behind:
            self._months.catch_up()
            self._behind = False

    def _go_round(self) -> None:
        # What a server that is away leaves undone is done in a later round.
        with suppress(CountersUnavailable):
            self.go_round()

    def _refill(self) -> None:
        going_on = True
        while going_on:
            try:
                going_on = self._limits.refill_next()
            except Exception:
                # Requests find nothing set aside then, and ask themselves.
                _log.exception("limits_refill_failed")
