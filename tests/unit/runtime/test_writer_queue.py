import fcntl
import threading
import time
from pathlib import Path

import pytest

from services.kernel.errors import Unavailable
from services.runtime.writer_queue import FairLock, WriterQueue


def is_locked(turn: Path) -> bool:
    with turn.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_who_waits_goes_before_who_has_just_written(tmp_path: Path) -> None:
    """A process that writes again at once does not overtake one that waits."""
    file = str(tmp_path / "a.sqlite3")
    one, other = WriterQueue(file, 60), WriterQueue(file, 60)
    database, order = threading.Lock(), list[str]()

    def write(queue: WriterQueue, name: str) -> None:
        with queue.turn() as begun, database:
            begun()
            order.append(name)

    waiting = threading.Thread(target=write, args=(other, "the one that waited"))
    with one.turn() as begun, database:
        begun()
        waiting.start()
        while not is_locked(tmp_path / "a.sqlite3-turn"):
            pass
    write(one, "the one that wrote before")
    waiting.join()
    assert order == ["the one that waited", "the one that wrote before"]


def test_a_writer_that_does_not_end_is_not_waited_for(tmp_path: Path) -> None:
    """A write within a write is refused, where it would wait for itself."""
    queue = WriterQueue(str(tmp_path / "a.sqlite3"), 0.01)
    with queue.turn(), pytest.raises(Unavailable), queue.turn():
        pass


def test_a_process_that_hangs_in_its_turn_is_passed_by(tmp_path: Path) -> None:
    """The turn is a matter of fairness: without it SQLite's own lock decides."""
    file = str(tmp_path / "a.sqlite3")
    with WriterQueue(file, 60).turn(), WriterQueue(file, 0.01).turn():
        pass


def test_threads_hold_the_lock_in_the_order_in_which_they_came() -> None:
    """Who lets go and comes again at once is behind those that wait; one that gave up is passed over."""
    lock = FairLock()
    order: list[str] = []
    assert lock.acquire(0)

    def hold(name: str) -> None:
        assert lock.acquire(30)
        order.append(name)
        lock.release()

    threads = []
    for number, name in enumerate(("first", "second")):
        threads.append(threading.Thread(target=hold, args=(name,)))
        threads[-1].start()
        while len(lock._waiting) == number:
            time.sleep(0.001)
    assert not lock.acquire(0.001)
    lock.release()
    hold("again")
    for each in threads:
        each.join()
    assert order == ["first", "second", "again"]
    assert lock.acquire(0)
