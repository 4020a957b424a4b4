"""What a replica is after a restart or a crash: what it was."""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.vector_search.index.hnsw import HnswParameters
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.power_cut import PowerCut, power_cut
from tests.fakes.saved_replica import (
    a_feed,
    answers,
    change_everything,
    folder_of,
    has_graph,
    maintain,
    require_as_new,
)
from tests.fakes.vector_search_data import ACME, SMALL, Hit, ReplicaUnderTest, a_chunk, a_document


@pytest.mark.parametrize("end", [ReplicaUnderTest.crash, lambda replica: (replica.stop(), replica.start())])
def test_what_changed_after_the_snapshot_is_caught_up(
    feed: FakeChangeFeed, replica: ReplicaUnderTest, end: Callable[[ReplicaUnderTest], None]
) -> None:
    """New, gone and changed passages and titles are as they are in the file, without a graph being built."""
    change_everything(feed)
    replica.follow()
    end(replica)
    replica.follow()
    assert has_graph(replica)
    require_as_new(replica, feed)
    maintain(replica)
    require_as_new(replica, feed)


def test_what_was_applied_to_the_file_alone_is_caught_up(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """Changes that came while the collection was not in memory are not missed."""
    replica.crash()
    change_everything(feed)
    replica.follow()
    assert replica.collection(ACME) is None
    assert has_graph(replica)
    require_as_new(replica, feed)


def test_snapshots_of_snapshots(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A replica that starts from a snapshot writes others, again and again."""
    for life in range(4):
        chunks = [a_chunk(f"{life}_{n}", "a", seed=1000 * life + n, text="router") for n in range(20)]
        feed.write(ACME, chunks=chunks, documents=[a_document("b", title=f"Zebra {life}")])
        replica.follow()
        maintain(replica)
        feed.write(ACME, deleted_chunks=[f"chunk_{life}_3", f"chunk_{life:03}"])
        replica.follow()
        replica.crash()
        replica.follow()
        assert has_graph(replica)
        require_as_new(replica, feed)


def test_a_crash_in_the_middle_of_maintenance_is_harmless(tmp_path: Path) -> None:
    """Wherever the machine stops while files are made, filled, named and deleted, the next start is right."""
    # One step in four: that every single one leaves a whole snapshot is tested with the folder alone.
    expected: list[list[Hit]] = []
    for steps in range(0, 200, 4):
        feed = a_feed()
        replica = ReplicaUnderTest(feed, tmp_path / f"{steps}")
        replica.follow()
        maintain(replica)
        change_everything(feed)
        feed.write(ACME, deleted_chunks=[f"chunk_{n:03}" for n in range(0, 120, 4)])
        replica.follow()
        expected = expected or answers(replica)
        try:
            with power_cut(folder_of(replica), steps):
                replica.workspaces.maintain()
        except PowerCut:
            replica.crash()
            replica.follow()
            assert answers(replica) == expected
            maintain(replica)
            assert has_graph(replica)
            assert answers(replica) == expected
            replica.stop()
            continue
        break
    assert 20 < steps < 196


def test_compaction_moves_the_vectors_to_another_file(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """What was deleted leaves the disk, and a restart goes on with the new file."""
    (before,) = folder_of(replica).glob("vectors-*")
    feed.write(ACME, deleted_chunks=[f"chunk_{n:03}" for n in range(0, 120, 3)])
    replica.follow()
    maintain(replica)
    (after,) = folder_of(replica).glob("vectors-*")
    assert after != before
    require_as_new(replica, feed)
    replica.crash()
    replica.follow()
    assert has_graph(replica)
    require_as_new(replica, feed)


def test_a_collection_that_shrinks_is_held_in_memory_again(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """Far below the size at which there is a graph, nothing of it stays on disk; it can grow again."""
    folder = folder_of(replica)
    feed.write(ACME, deleted_chunks=[f"chunk_{n:03}" for n in range(105)])
    replica.follow()
    maintain(replica)
    assert not folder.exists()
    require_as_new(replica, feed)
    replica.crash()
    replica.follow()
    require_as_new(replica, feed)
    feed.write(ACME, chunks=[a_chunk(f"n{n}", "a", seed=n, text="router") for n in range(60)])
    replica.follow()
    maintain(replica)
    assert has_graph(replica)
    assert (folder / "manifest.json").exists()
    require_as_new(replica, feed)


def test_a_small_collection_keeps_no_files(tmp_path: Path) -> None:
    """Below the size at which there is a graph, the workspace's file is all there is."""
    feed = FakeChangeFeed()
    feed.write(ACME, documents=[a_document("a")], chunks=[a_chunk(f"{n}", "a", seed=n) for n in range(39)])
    replica = ReplicaUnderTest(feed, tmp_path)
    replica.follow()
    maintain(replica)
    assert list(tmp_path.glob("workspaces/*/*.index")) == []
    replica.stop()


def test_a_snapshot_that_can_t_be_finished_is_tried_again(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """While the file can't be brought level on disk, the snapshot before stays and no rubbish gathers."""
    (path,) = replica.folder.glob(f"workspaces/{ACME}/*.sqlite")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM state").fetchall()
    feed.write(ACME, chunks=[a_chunk(f"n{n}", "a", seed=500 + n) for n in range(40)])
    replica.follow()
    before = sorted(folder_of(replica).iterdir())
    maintain(replica)
    assert sorted(folder_of(replica).iterdir()) == before
    reader.execute("COMMIT")
    reader.close()
    maintain(replica)
    assert sorted(folder_of(replica).iterdir()) != before
    replica.crash()
    replica.follow()
    require_as_new(replica, feed)


def test_a_disk_that_refuses_costs_only_memory_and_the_snapshot(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """What can't be kept in files is held in memory: it is searched, has a graph, and moves when it can."""
    folder = folder_of(replica)
    replica.stop()
    shutil.rmtree(folder)
    folder.symlink_to(folder / "nowhere")
    replica.start()
    replica.follow()
    require_as_new(replica, feed)
    maintain(replica)
    assert has_graph(replica)
    change_everything(feed)
    replica.follow()
    maintain(replica)
    require_as_new(replica, feed)
    folder.unlink()
    maintain(replica)
    assert (folder / "manifest.json").exists()
    replica.crash()
    replica.follow()
    assert has_graph(replica)
    require_as_new(replica, feed)


def test_a_graph_of_another_recipe_is_built_anew(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """Rows and words are good under any settings of the graph."""
    replica.stop()
    replica.settings = replace(SMALL, hnsw=HnswParameters(12, 64, 64, rows_per_step=0))
    replica.start()
    replica.follow()
    require_as_new(replica, feed)
    assert not has_graph(replica)
    maintain(replica)
    assert has_graph(replica)
