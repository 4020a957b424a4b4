"""What a replica loads before anybody asks."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.saved_replica import a_feed, has_graph, require_as_new, saved_replica
from tests.fakes.vector_search_data import (
    ACME,
    GLOBEX,
    ReplicaUnderTest,
    a_chunk,
    a_document,
    a_question,
    a_vector,
)


@pytest.fixture
def feed() -> FakeChangeFeed:
    """Return a feed with 120 passages in three documents."""
    return a_feed()


@pytest.fixture
def replica(feed: FakeChangeFeed, tmp_path: Path) -> Iterator[ReplicaUnderTest]:
    """Return a replica that is level and has a snapshot of 120 passages."""
    replica = saved_replica(feed, tmp_path / "replica")
    yield replica
    replica.stop()


def test_what_is_prepared_is_loaded_ahead(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A start loads what a snapshot makes quick, and leaves the rest to the first question."""
    feed.write(GLOBEX, documents=[a_document("x")], chunks=[a_chunk("g", "x")])
    replica.follow()
    replica.stop()
    replica.start()
    replica.workspaces.load_prepared()
    assert loaded(replica) == {ACME}
    assert has_graph(replica)


def loaded(replica: ReplicaUnderTest) -> set[str]:
    """Return which workspaces are in memory."""
    return {name for name, each in replica.workspaces._workspaces.items() if each.collection is not None}


def test_the_largest_are_loaded_ahead_as_far_as_there_is_room(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """What does not fit into the memory budget is not loaded, so that nothing is put out for it."""
    feed.write(GLOBEX, documents=[a_document("x")], chunks=[a_chunk(f"g{n}", "x", seed=n) for n in range(50)])
    replica.follow()
    replica.found(GLOBEX, a_question(a_vector(1)))
    replica.workspaces.maintain()
    replica.crash()
    replica.workspaces.load_prepared()
    assert loaded(replica) == {ACME, GLOBEX}
    larger = replica.workspaces._workspaces[ACME].collection
    assert larger is not None
    for room, expected in ((larger.memory_bytes + 100, {ACME}), (100, set())):
        replica.stop()
        replica.memory_bytes = room
        replica.start()
        replica.workspaces.load_prepared()
        assert loaded(replica) == expected


def test_a_damaged_file_does_not_keep_the_others_from_being_loaded(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """It is dropped and asked of the feed again."""
    feed.write(GLOBEX, documents=[a_document("x")], chunks=[a_chunk(f"g{n}", "x", seed=n) for n in range(50)])
    replica.follow()
    replica.found(GLOBEX, a_question(a_vector(1)))
    replica.workspaces.maintain()
    replica.stop()
    (path,) = replica.folder.glob(f"workspaces/{ACME}/*.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE documents SET authenticated = 1 - authenticated")
    connection.close()
    replica.start()
    replica.workspaces.load_prepared()
    assert loaded(replica) == {GLOBEX}
    replica.follow()
    require_as_new(replica, feed)
