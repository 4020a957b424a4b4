"""The feed made for volume."""

import numpy as np
from supportagent.knowledge.v1 import change_feed_service_pb2 as pb

from tests.bench.data import DIMENSIONS, Data, nearest
from tests.bench.feed import WORKSPACE, BenchFeed

POINTS = 30


def some_data() -> Data:
    """Return a few random unit vectors."""
    vectors = np.random.default_rng(1).standard_normal((POINTS, DIMENSIONS), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Data(vectors, vectors[:3], ["a"] * 3, ["some text", "more text"], "")


def report(replica: str, revision: int | None = None, *, reset: bool = False) -> pb.SyncReplicaRequest:
    """Return a replica's report."""
    positions = [pb.Position(workspace_id=WORKSPACE, generation=1, revision=revision)] if revision else []
    return pb.SyncReplicaRequest(replica_id=replica, acknowledged=positions, reset=reset)


def filled_feed() -> BenchFeed:
    """Return a feed with three revisions."""
    data = some_data()
    feed = BenchFeed(data)
    for start in range(0, POINTS, 10):
        feed.write(np.arange(start, start + 10), data.vectors[start : start + 10])
    return feed


def test_each_replica_has_its_own_position() -> None:
    """What one replica has does not count for another one, which has nothing yet."""
    feed = filled_feed()
    assert not feed.sync(report("one", 3, reset=True)).behind
    assert feed.sync(report("two", reset=True)).behind[0].revision == 3
    assert not feed.sync(report("one")).behind


def test_a_replica_that_starts_anew_says_what_it_has() -> None:
    """After a reset only the positions that came with it count."""
    feed = filled_feed()
    assert not feed.sync(report("one", 3, reset=True)).behind
    assert feed.sync(report("one", reset=True)).behind
    assert not feed.sync(report("one", 3)).behind


def test_changes_carry_points_as_passages() -> None:
    """Every point after a revision comes with its own vector."""
    feed = filled_feed()
    changes = feed.changes(1).changes
    assert [each.revision for each in changes] == [2, 3]
    assert [chunk.chunk_id for each in changes for chunk in each.chunks] == [
        str(n) for n in range(10, POINTS)
    ]
    raw = np.frombuffer(changes[0].chunks[0].vector, dtype="<f4")
    np.testing.assert_array_equal(raw, some_data().vectors[10])


def test_the_true_nearest_are_those_of_a_full_comparison() -> None:
    """Blocks and a kept part give what sorting all products gives."""
    data = some_data()
    kept = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29])
    order = np.argsort(-(data.questions @ data.vectors.T), axis=1)
    np.testing.assert_array_equal(nearest(data.vectors, data.questions, k=4, block=7), order[:, :4])
    within = [[row for row in each if row in set(kept.tolist())][:4] for each in order.tolist()]
    np.testing.assert_array_equal(nearest(data.vectors, data.questions, kept, k=4, block=7), within)
    assert nearest(data.vectors, data.questions, kept, k=20).shape == (3, 10)
