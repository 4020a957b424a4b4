"""Snapshots that are damaged or not of their file are found out, and files that are damaged too."""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.vector_search.domain.snapshot import IndexSnapshot
from services.vector_search.storage.index_folder import IndexFolder
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.saved_replica import (
    edit_file,
    folder_of,
    has_graph,
    maintain,
    require_as_new,
)
from tests.fakes.vector_search_data import ACME, DIMENSIONS, ReplicaUnderTest, a_chunk, a_question, a_vector


def test_what_changed_before_the_snapshot_is_not_read_again(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """Texts and vectors of passages that the snapshot has stay unread until somebody asks for them."""
    replica.stop()
    edit_file(
        replica,
        "UPDATE chunks SET text = 'damaged' WHERE chunk_id = 'chunk_033'",
        "UPDATE vectors SET vector = x'00'",
    )
    replica.start()
    replica.follow()
    assert replica.found(ACME, a_question(a_vector(34), limit=1)) == ["chunk_034"]
    assert has_graph(replica)


def test_the_whole_check_comes_after_serving_and_is_not_forgotten(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """Damage that loading does not see is found by maintenance; the file is rebuilt from the feed."""
    replica.stop()
    path = edit_file(
        replica, "PRAGMA writable_schema = ON", "DELETE FROM sqlite_schema WHERE name = 'live_chunk_ids'"
    )
    replica.start()
    replica.follow()
    assert replica.found(ACME, a_question(a_vector(34), limit=1)) == ["chunk_034"]
    replica.workspaces.maintain()
    assert not path.exists()
    replica.follow()
    require_as_new(replica, feed)


def flip(path: Path) -> None:
    """Change one bit."""
    raw = bytearray(path.read_bytes())
    raw[min(len(raw) // 3, 1000)] ^= 1
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize("part", ["graph-*", "rows-*", "vectors-*", "saved-*/*.idx", "manifest.json"])
@pytest.mark.parametrize("damage", [flip, lambda path: path.write_bytes(b""), lambda path: path.unlink()])
def test_a_damaged_snapshot_is_rebuilt_from_the_file(
    feed: FakeChangeFeed, replica: ReplicaUnderTest, part: str, damage: Callable[[Path], None]
) -> None:
    """Whatever part is damaged, answers stay right and the next snapshot is whole again."""
    replica.stop()
    damage(next(folder_of(replica).glob(part)))
    (file,) = replica.directory.existing()
    replica.start()
    replica.follow()
    assert not has_graph(replica)
    require_as_new(replica, feed)
    maintain(replica)
    replica.crash()
    replica.follow()
    assert has_graph(replica)
    require_as_new(replica, feed)
    assert replica.directory.existing() == [file]


def misfit(replica: ReplicaUnderTest, change: Callable[[IndexSnapshot], IndexSnapshot]) -> None:
    """Put a snapshot that is whole but says something else in the place of a stopped replica's."""
    cache = IndexFolder(folder_of(replica))
    snapshot = cache.load(DIMENSIONS)
    assert snapshot is not None
    told = change(snapshot)
    draft = cache.draft()
    draft.add_graph(told.graph.cut, lambda path: _copy(told.graph.path, path))
    draft.add_rows(told.slots, told.alive, told.vectors)
    assert told.words is not None
    draft.add_words(told.words, told.dead_words)
    draft.commit(told.revision)


def _copy(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


def of_another_engine(snapshot: IndexSnapshot) -> IndexSnapshot:
    """Make the lexical index one that can't be opened."""
    assert snapshot.words is not None
    (snapshot.words / "meta.json").unlink()
    (snapshot.words / "meta.json").write_text("another engine's")
    return snapshot


@pytest.mark.parametrize(
    "change",
    [
        lambda snapshot: replace(snapshot, revision=2),
        lambda snapshot: replace(snapshot, slots=snapshot.slots + 1),
        lambda snapshot: replace(snapshot, slots=snapshot.slots * 2),
        lambda snapshot: replace(snapshot, alive=snapshot.slots != 7),
        of_another_engine,
    ],
)
def test_a_snapshot_that_does_not_fit_the_file_is_not_used(
    feed: FakeChangeFeed, replica: ReplicaUnderTest, change: Callable[[IndexSnapshot], IndexSnapshot]
) -> None:
    """Newer than the file, of other slots, or unreadable: the index is made of the file."""
    replica.stop()
    misfit(replica, change)
    replica.start()
    replica.follow()
    assert not has_graph(replica)
    require_as_new(replica, feed)
    maintain(replica)
    replica.crash()
    replica.follow()
    assert has_graph(replica)


def test_a_snapshot_that_lacks_a_passage_is_not_used(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """Every passage of the file that is not newer than the snapshot must be in it."""
    feed.write(ACME, deleted_chunks=[f"chunk_{n:03}" for n in range(0, 120, 3)])
    replica.follow()
    maintain(replica)
    replica.stop()
    # Passage 1 is gone; passage 2 is the first.
    misfit(replica, lambda snapshot: replace(snapshot, slots=np.append(1, snapshot.slots[1:])))
    replica.start()
    replica.follow()
    assert not has_graph(replica)
    require_as_new(replica, feed)


def test_a_file_that_came_back_older_is_not_served_with_a_newer_snapshot(
    feed: FakeChangeFeed, replica: ReplicaUnderTest, tmp_path: Path
) -> None:
    """Slots that the snapshot knows are given out again, to other passages."""
    (path,) = replica.folder.glob(f"workspaces/{ACME}/*.sqlite")
    shutil.copy(path, tmp_path / "older")
    feed.write(ACME, chunks=[a_chunk(f"n{n}", "a", seed=500 + n, text="router") for n in range(40)])
    replica.follow()
    maintain(replica)
    replica.stop()
    shutil.copy(tmp_path / "older", path)
    for log in path.parent.glob("*.sqlite-*"):
        log.unlink()
    replica.start()
    assert not has_graph(replica)
    feed.write(ACME, deleted_chunks=[f"chunk_n{n}" for n in range(0, 40, 2)])
    replica.follow()
    require_as_new(replica, feed)


def test_a_snapshot_is_never_newer_than_the_file_on_disk(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """When the manifest is replaced, the file has everything without its log, as after a power cut."""
    feed.write(ACME, chunks=[a_chunk(f"n{n}", "a", seed=500 + n) for n in range(40)])
    replica.follow()
    maintain(replica)
    (path,) = replica.folder.glob(f"workspaces/{ACME}/*.sqlite")
    alone = path.with_name("alone")
    shutil.copy(path, alone)
    assert sqlite3.connect(alone).execute("SELECT revision FROM state").fetchone() == (2,)
    alone.unlink()
