"""What was read of a workspace a moment ago."""

import pytest

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.query.domain.settings.answering import Answering, Change
from services.query.domain.settings.known_answering import KnownAnswering
from services.query.domain.settings.remembered import Remembered
from tests.fakes.answering_store import FakeAnsweringStore

ACME, OTHER = WorkspaceId("ws_acme"), WorkspaceId("ws_other")


class Seconds:
    """A monotonic clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_settings_cost_one_read_in_two_seconds() -> None:
    """A change elsewhere is seen after two seconds, in each workspace by itself."""
    seconds, store = Seconds(), FakeAnsweringStore()
    known = KnownAnswering(store, monotonic=seconds)
    assert known.get(ACME) == Answering()
    store.change(ACME, Change({"answer_characters": 200}))
    seconds.now += 1.9
    assert known.get(ACME) == Answering()
    assert known.get(OTHER) == Answering()
    assert store.reads == 2
    seconds.now += 0.1
    assert known.get(ACME).answer_characters == 200


def test_the_last_ones_known_outlive_the_database() -> None:
    """They are used while it is away, and it is not asked for each question."""
    seconds, store = Seconds(), FakeAnsweringStore()
    known = KnownAnswering(store, monotonic=seconds)
    store.change(ACME, Change({"answer_characters": 200}))
    known.get(ACME)
    store.failure = Unavailable("away")
    seconds.now += 60
    for _ in range(3):
        assert known.get(ACME).answer_characters == 200
    assert store.reads == 2
    with pytest.raises(Unavailable):
        known.get(OTHER)
    store.failure = None
    store.change(ACME, Change({"answer_characters": 300}))
    seconds.now += 2
    assert known.get(ACME).answer_characters == 300


def test_a_slow_failure_is_not_waited_for_each_time() -> None:
    """A read may take longer to fail than what it would have brought is kept."""
    seconds, reads = Seconds(), 0

    def read(_: WorkspaceId) -> str:
        nonlocal reads
        reads += 1
        if reads == 1:
            return "known"
        seconds.now += 5
        raise Unavailable("no answer")

    known = Remembered(read, 2, monotonic=seconds)
    for _ in range(5):
        assert known.of(ACME) == "known"
        seconds.now += 0.9
    assert reads == 2


def test_memory_is_bounded() -> None:
    """The eldest entry goes first."""
    read: list[WorkspaceId] = []

    def note(workspace_id: WorkspaceId) -> int:
        read.append(workspace_id)
        return len(read)

    known = Remembered(note, 60, capacity=2, monotonic=Seconds())
    one, two, three = (WorkspaceId(f"ws_{each}") for each in range(3))
    for each in (one, two, three, three, two, one):
        known.of(each)
    assert read == [one, two, three, one]
