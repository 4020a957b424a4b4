"""The thread that has counts put right."""

import threading

import pytest

from gateway.access.domain.usage.reconciliation import Reconciliation
from gateway.access.storage.reconciler import Reconciler
from services.kernel.errors import Unavailable
from tests.fakes.query_counters import FakeQueryCounters
from tests.fakes.usage_ledger import FakeLedger


class FailingOnce(Reconciliation):
    """Goes its rounds, but for the first one."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(FakeLedger(), FakeQueryCounters())
        self._failure: Exception | None = failure
        self.went_round = threading.Event()

    def go_round(self) -> int:
        """Fail once, then work."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        self.went_round.set()
        return super().go_round()


@pytest.mark.parametrize("failure", [Unavailable("away"), ValueError("a bug")])
def test_it_goes_on_after_a_failure(failure: Exception) -> None:
    """Whatever it was: the next round comes."""
    reconciliation = FailingOnce(failure)
    reconciler = Reconciler(reconciliation, period_seconds=0.001)
    reconciler.start()
    assert reconciliation.went_round.wait(10)
    reconciler.stop()
