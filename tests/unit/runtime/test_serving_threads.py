"""The threads that serve calls."""

import threading

import pytest

from services.runtime.serving_threads import ServingThreads

PATIENCE = 30


def wait_for(event: threading.Event) -> None:
    assert event.wait(PATIENCE)


def test_a_call_is_run_and_counted_until_it_ends() -> None:
    """Begun or not, a call counts; its end is told."""
    threads = ServingThreads(1)
    go, ended = threading.Event(), threading.Event()
    first = threads.submit(lambda: go.wait(PATIENCE))
    second = threads.submit(lambda number: number + 1, 1)
    second.add_done_callback(lambda _: ended.set())
    assert threads.calls == 2
    go.set()
    wait_for(ended)
    assert (first.result(PATIENCE), second.result(PATIENCE)) == (True, 2)
    threads.submit(lambda: None).result(PATIENCE)
    threads.shutdown()
    assert threads.calls == 0


def test_a_failure_ends_its_call_alone() -> None:
    """The thread goes on with the next call."""
    threads = ServingThreads(1)

    def fail() -> None:
        raise LookupError("none")

    with pytest.raises(LookupError):
        threads.submit(fail).result(PATIENCE)
    assert threads.submit(lambda: 3).result(PATIENCE) == 3
    threads.shutdown()


def test_no_more_run_than_there_are_places() -> None:
    """Spare threads are for those that step aside, not for more at once."""
    threads = ServingThreads(2, waiting=4)
    begun, go = threading.Semaphore(0), threading.Event()

    def run() -> None:
        begun.release()
        wait_for(go)

    calls = [threads.submit(run) for _ in range(5)]
    for _ in range(2):
        assert begun.acquire(timeout=PATIENCE)
    assert not begun.acquire(timeout=0.05)
    go.set()
    for each in calls:
        each.result(PATIENCE)
    threads.shutdown()


def test_who_waits_gives_its_place_away() -> None:
    """While calls wait another runs; beyond so many waiting the next must not; then all is as before."""
    threads = ServingThreads(1, waiting=2)
    aside, go = threading.Semaphore(0), threading.Event()

    def wait() -> bool:
        with threads.stepping_aside() as may_wait:
            if may_wait:
                aside.release()
                wait_for(go)
            return may_wait

    waiting = [threads.submit(wait) for _ in range(2)]
    for _ in waiting:
        assert aside.acquire(timeout=PATIENCE)
    assert threads.submit(wait).result(PATIENCE) is False
    assert threads.submit(lambda: 1).result(PATIENCE) == 1
    go.set()
    assert [each.result(PATIENCE) for each in waiting] == [True, True]

    # Back to one at a time.
    again = threading.Event()
    for _ in range(4):
        threads.submit(lambda: None).result(PATIENCE)
    blocking = threads.submit(wait_for, again)
    later = threads.submit(lambda: 2)
    with pytest.raises(TimeoutError):
        later.result(0.05)
    again.set()
    blocking.result(PATIENCE)
    assert later.result(PATIENCE) == 2
    threads.shutdown()


def test_shutdown_ends_all_threads() -> None:
    """After the calls that were taken; resting threads too."""
    threads = ServingThreads(2, waiting=3)
    last = threads.submit(lambda: "done")
    threads.shutdown()
    assert last.result(0) == "done"
    assert not [each for each in threads._threads if each.is_alive()]
