"""What callers ask of a replica: deadlines, and waiting for a revision."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.kernel.errors import DeadlineExceeded
from services.vector_search.domain.errors import IndexBehind
from services.vector_search.domain.replica import Replica
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.vector_search_data import ACME, ReplicaUnderTest, a_chunk, a_document, a_question, a_vector


@pytest.fixture
def feed() -> FakeChangeFeed:
    """Return a feed with a passage, at revision 1."""
    feed = FakeChangeFeed()
    feed.write(ACME, documents=[a_document("x")], chunks=[a_chunk("a", "x")])
    return feed


@pytest.fixture
def under_test(feed: FakeChangeFeed, tmp_path: Path) -> Iterator[ReplicaUnderTest]:
    """Return a replica that is level."""
    replica = ReplicaUnderTest(feed, tmp_path)
    replica.follow()
    yield replica
    replica.stop()


def test_nothing_is_searched_after_the_deadline(under_test: ReplicaUnderTest) -> None:
    """A search that waited too long for its turn is not begun."""
    with pytest.raises(DeadlineExceeded):
        under_test.replica.search(ACME, a_question(a_vector(1)), -0.1)
    assert under_test.collection(ACME) is None


def test_a_batch_waits_for_its_newest_revision(under_test: ReplicaUnderTest) -> None:
    """One question that is behind holds the whole batch."""
    questions = [a_question(a_vector(1), min_revision=revision) for revision in (0, 2, 1)]
    with pytest.raises(IndexBehind):
        under_test.replica.search_each(ACME, questions, 0.2)


class Places:
    """Lets so many step aside, and says when they have."""

    def __init__(self, places: int) -> None:
        self.taken = threading.Semaphore(0)
        self._free = threading.Semaphore(places)

    @contextmanager
    def stepping_aside(self) -> Iterator[bool]:
        may_wait = self._free.acquire(blocking=False)
        self.taken.release()
        try:
            yield may_wait
        finally:
            if may_wait:
                self._free.release()


def test_waiters_step_aside(under_test: ReplicaUnderTest, feed: FakeChangeFeed) -> None:
    """Where too many wait the next is refused at once; the others are answered, and then all."""
    places = Places(2)
    replica = Replica(under_test.workspaces, under_test.past, under_test.lease, places.stepping_aside)
    behind = a_question(a_vector(1), min_revision=2)
    found: list[int] = []
    waiting = [
        threading.Thread(target=lambda: found.append(replica.search(ACME, behind, 30).revision))
        for _ in range(2)
    ]
    for thread in waiting:
        thread.start()
    for _ in waiting:
        assert places.taken.acquire(timeout=30)
    with pytest.raises(IndexBehind) as raised:
        replica.search(ACME, behind, 30)
    assert raised.value.retry_after is not None
    assert replica.search(ACME, a_question(a_vector(1), min_revision=1), 30).revision == 1

    feed.write(ACME, chunks=[a_chunk("b", "x")])
    under_test.follow()
    for thread in waiting:
        thread.join(30)
    assert found == [2, 2]
    assert replica.search(ACME, behind, 30).revision == 2
