"""What is done about limits beside the requests: giving back, trying again, putting right."""

import threading
import time

import structlog
from prometheus_client import Counter, Gauge

from gateway.access.counters.redis_counters import RedisCounters
from gateway.access.domain.limits.counters import CountersUnavailable
from gateway.access.domain.limits.monthly_counts import MonthlyCounts
from gateway.access.domain.limits.shared_limits import SharedLimits
from services.kernel.errors import Unavailable

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
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="limits-upkeep", daemon=True),
            threading.Thread(target=self._refill, name="limits-refill", daemon=True),
        ]

    def start(self) -> None:
        """Begin."""
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        """End, and give back all that is set aside; no request may come any more."""
        self._stopping.set()
        self._limits.end_refills()
        for each in self._threads:
            each.join()
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

    def _run(self) -> None:
        while not self._stopping.wait(PERIOD_SECONDS):
            try:
                self.go_round()
            except (CountersUnavailable, Unavailable):
                # In the next round.
                continue
            except Exception:
                # The limits hold without it, if less exactly; it has to go on.
                _log.exception("limits_upkeep_failed")

    def _refill(self) -> None:
        going_on = True
        while going_on:
            try:
                going_on = self._limits.refill_next()
            except Exception:
                # Requests find nothing set aside then, and ask themselves.
                _log.exception("limits_refill_failed")
