"""The breaker before the shared counters."""

import threading

from gateway.access.counters.breaker import Breaker

PATIENCE = 0.075


class _Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_trips() -> None:
    """It opens with a failure and stays open until it is closed; only the first failure is news."""
    breaker = Breaker(PATIENCE, _Seconds())
    assert not breaker.is_open

    assert breaker.trip()
    assert not breaker.trip()
    assert breaker.is_open

    breaker.close()
    assert not breaker.is_open


def test_a_call_that_hangs() -> None:
    """While a call takes too long others are not begun."""
    seconds = _Seconds()
    breaker = Breaker(PATIENCE, seconds)
    breaker.begin()
    seconds.now += PATIENCE / 2
    assert not breaker.is_open

    seconds.now += PATIENCE
    assert breaker.is_open

    breaker.end()
    assert not breaker.is_open


def test_calls_of_several_threads() -> None:
    """One call's end says nothing of another's."""
    seconds = _Seconds()
    breaker = Breaker(PATIENCE, seconds)
    other = threading.Thread(target=breaker.begin)
    other.start()
    other.join()
    breaker.begin()
    seconds.now += 2 * PATIENCE

    breaker.end()

    assert breaker.is_open
