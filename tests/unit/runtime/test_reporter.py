"""Reports of what has changed."""

import threading
from collections.abc import Sequence

import pytest

from services.kernel.errors import Unavailable
from services.runtime.reporter import Reporter


class Numbers:
    """A `Reportable`: numbers that were put and are not reported."""

    def __init__(self, *numbers: int) -> None:
        self.wake = threading.Event()
        self.waiting = list(numbers)

    def put(self, number: int) -> None:
        self.waiting.append(number)
        self.wake.set()

    def take(self) -> Sequence[int]:
        return list(self.waiting)

    def reported(self, items: Sequence[int]) -> None:
        self.waiting = [each for each in self.waiting if each not in items]


class Receiver:
    """Keeps what arrives; refuses as often as it is told to."""

    def __init__(self, refusals: int = 0, error: Exception | None = None) -> None:
        self.arrived: list[int] = []
        self.changed = threading.Condition()
        self._refusals = refusals
        self._error = error or Unavailable("down")

    def __call__(self, items: Sequence[int]) -> None:
        with self.changed:
            if self._refusals:
                self._refusals -= 1
                raise self._error
            self.arrived += items
            self.changed.notify_all()

    def wait_for(self, *numbers: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.arrived == list(numbers), 10)


def test_reports_what_has_changed() -> None:
    """Together, and once."""
    numbers, receiver = Numbers(1, 2), Receiver()
    reporter = Reporter(numbers, receiver)
    assert reporter.report()
    assert not reporter.report()
    assert receiver.arrived == [1, 2]


def test_what_did_not_arrive_stays() -> None:
    """It is reported again, with what came meanwhile."""
    numbers, receiver = Numbers(1), Receiver(refusals=1)
    reporter = Reporter(numbers, receiver)
    with pytest.raises(Unavailable):
        reporter.report()
    numbers.put(2)
    assert reporter.report()
    assert receiver.arrived == [1, 2]


@pytest.mark.parametrize("error", [Unavailable("down"), ValueError("a bug")])
def test_the_thread_goes_on_after_failures(error: Exception) -> None:
    """Whatever they were; then a change is reported without being asked for."""
    numbers, receiver = Numbers(1), Receiver(refusals=2, error=error)
    reporter = Reporter(numbers, receiver)
    reporter.start()
    assert receiver.wait_for(1)
    numbers.put(2)
    assert receiver.wait_for(1, 2)
    reporter.stop()


def test_the_last_change_is_reported_at_the_end() -> None:
    """What came until the end goes out before the thread ends."""
    numbers, receiver = Numbers(), Receiver()
    reporter = Reporter(numbers, receiver)
    reporter.start()
    numbers.waiting.append(1)
    reporter.stop()
    assert receiver.arrived == [1]


def test_the_end_does_not_wait_for_a_receiver_that_is_down() -> None:
    """It is tried once; the next process begins with it."""
    numbers, receiver = Numbers(1), Receiver(refusals=1_000_000)
    reporter = Reporter(numbers, receiver)
    reporter.start()
    reporter.stop()
    assert numbers.waiting == [1]
