import fcntl
import threading
from pathlib import Path

import pytest

from services.kernel.errors import Unavailable
from services.runtime.writer_queue import WriterQueue


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
