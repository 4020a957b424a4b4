"""Has the gateway's count of queries put right, every few seconds."""

import threading

import structlog

from gateway.access.domain.usage.reconciliation import Reconciliation
from services.kernel.errors import Unavailable

PERIOD_SECONDS = 15.0

_log = structlog.get_logger(__name__)


class Reconciler:
    """A thread of its own, so that no request waits for it."""

    def __init__(self, reconciliation: Reconciliation, period_seconds: float = PERIOD_SECONDS) -> None:
        self._reconciliation = reconciliation
        self._period = period_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is open is for the next process that counts in it."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._period):
            try:
                self._reconciliation.go_round()
            except Unavailable:
                # The ledger is away; the next round comes soon.
                continue
            except Exception:
                _log.exception("reconciliation_failed")
