"""Many readers or one writer."""

import threading
import time

from services.vector_search.index.read_write_lock import ReadWriteLock


def test_readers_share() -> None:
    """Two readers are in at once."""
    lock = ReadWriteLock()
    both = threading.Barrier(2, timeout=10)

    def read() -> None:
        with lock.reading():
            both.wait()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not both.broken


def test_a_writer_is_alone() -> None:
    """No reader sees what a writer has half done, and all get their turn under steady load."""
    lock = ReadWriteLock()
    pair = [0, 0]
    torn: list[tuple[int, int]] = []
    reads = [0]
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with lock.reading():
                first = pair[0]
                time.sleep(0)
                if first != pair[1]:
                    torn.append((first, pair[1]))
                reads[0] += 1

    def write() -> None:
        for _ in range(200):
            with lock.writing():
                pair[0] += 1
                time.sleep(0)
                pair[1] += 1

    readers = [threading.Thread(target=read) for _ in range(4)]
    writers = [threading.Thread(target=write) for _ in range(2)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join(60)
    stop.set()
    for thread in readers:
        thread.join(60)
    assert torn == []
    assert pair == [400, 400]
    assert reads[0] > 0


def test_waiting_readers_go_before_the_next_writer() -> None:
    """A writer that comes back at once does not starve the readers that waited for it."""
    lock = ReadWriteLock()
    order: list[str] = []
    reader = threading.Thread(target=lambda: _note(lock, order))
    with lock.writing():
        reader.start()
        while not lock._readers_waiting:
            time.sleep(0.001)
    with lock.writing():
        order.append("write")
    reader.join(10)
    assert order == ["read", "write"]


def _note(lock: ReadWriteLock, order: list[str]) -> None:
    with lock.reading():
        order.append("read")
