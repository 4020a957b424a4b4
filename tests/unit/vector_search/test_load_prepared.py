"""What a replica loads before anybody asks."""

from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.saved_replica import edit_file, has_graph, require_as_new
from tests.fakes.vector_search_data import (
    ACME,
    GLOBEX,
    ReplicaUnderTest,
    a_chunk,
    a_document,
    a_question,
    a_vector,
)


def test_what_is_prepared_is_loaded_ahead(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A start loads what a snapshot makes quick, and leaves the rest to the first question."""
    feed.write(GLOBEX, documents=[a_document("x")], chunks=[a_chunk("g", "x")])
    replica.follow()
    replica.stop()
    replica.start()
    replica.workspaces.load_prepared()
    assert loaded(replica) == {ACME}
    assert has_graph(replica)


def save_a_smaller_one(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """Have another workspace with a snapshot, of 50 passages."""
    feed.write(GLOBEX, documents=[a_document("x")], chunks=[a_chunk(f"g{n}", "x", seed=n) for n in range(50)])
    replica.follow()
    replica.found(GLOBEX, a_question(a_vector(1)))
    replica.workspaces.maintain()


def loaded(replica: ReplicaUnderTest) -> set[str]:
    """Return which workspaces are in memory."""
    return {each.id.workspace_id for each, _ in replica.workspaces._loaded.all()}


def test_the_largest_are_loaded_ahead_as_far_as_there_is_room(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """What does not fit into the memory budget is not loaded, so that nothing is put out for it."""
    save_a_smaller_one(feed, replica)
    replica.crash()
    replica.workspaces.load_prepared()
    assert loaded(replica) == {ACME, GLOBEX}
    larger = replica.collection(ACME)
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
    save_a_smaller_one(feed, replica)
    replica.stop()
    edit_file(replica, "UPDATE documents SET authenticated = 1 - authenticated")
    replica.start()
    replica.workspaces.load_prepared()
    assert loaded(replica) == {GLOBEX}
    replica.follow()
    require_as_new(replica, feed)
