"""Several vector search processes on one port."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.vector_search_data import ACME, a_chunk, a_document, a_vector
from tests.rpc.vector_search.replica_process import ReplicaProcess, eventually

REQUEST = pb.SearchRequest(vector=a_vector(5).tobytes(), limit=1)


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[ReplicaProcess]:
    """Return two processes that serve."""
    feed = FakeChangeFeed(lease_seconds=2.0)
    feed.write(ACME, documents=[a_document("x")], chunks=[a_chunk("a", "x", seed=5)])
    (tmp_path / "data").mkdir()
    replica = ReplicaProcess(feed, tmp_path / "data", {"VECTOR_SEARCH_PROCESSES": "2"})
    try:
        eventually(replica.serving)
        yield replica
    finally:
        if replica.process.poll() is None:
            replica.stop()


def servers(replica: ReplicaProcess) -> list[psutil.Process]:
    """Return the processes that serve, without Python's own helper."""
    children = psutil.Process(replica.process.pid).children()
    alive = [each for each in children if each.status() != psutil.STATUS_ZOMBIE]
    return [each for each in alive if "spawn_main" in " ".join(each.cmdline())]


def test_each_is_a_replica_and_they_end_together(replica: ReplicaProcess) -> None:
    """Both report under ids of their own at one address, and the end of the parent is that of both."""
    assert len(replica.servicer.replicas) == 2
    assert set(replica.servicer.replicas.values()) == {replica.address}
    assert replica.search(ACME, REQUEST).hits[0].chunk_id == "chunk_a"
    both = servers(replica)
    assert len(both) == 2
    assert replica.stop() == 0
    assert not any(each.is_running() for each in both)


def test_a_dead_one_is_replaced(replica: ReplicaProcess) -> None:
    """The port is not healthy while one is missing, and the next takes up its files."""
    known = set(replica.servicer.replicas)
    dead = servers(replica)[0]
    dead.kill()
    eventually(lambda: not replica.serving())
    eventually(lambda: len(servers(replica)) == 2)
    assert not replica.serving()
    eventually(replica.serving)
    assert set(replica.servicer.replicas) == known


def test_they_don_t_outlive_their_parent(replica: ReplicaProcess) -> None:
    """Nothing serves on when the parent was killed."""
    both = servers(replica)
    replica.kill()
    eventually(lambda: not any(each.is_running() for each in both))


def test_a_taken_port_is_not_shared(replica: ReplicaProcess, tmp_path: Path) -> None:
    """Another installation on the same address ends at once instead of answering for this one."""
    (tmp_path / "other").mkdir()
    second = ReplicaProcess.__new__(ReplicaProcess)
    second.__dict__.update({**replica.__dict__, "folder": tmp_path / "other"})
    second.start()
    assert second.process.wait(30) != 0
