"""What was deleted or replaced leaves the files of a replica."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.power_cut import PowerCut, power_cut
from tests.fakes.saved_replica import folder_of, has_graph, maintain, require_as_new
from tests.fakes.traces import a_marked_chunk, a_marked_document, erase, is_erased, traces
from tests.fakes.vector_search_data import (
    ACME,
    ReplicaUnderTest,
    a_chunk,
    a_document,
    a_question,
    a_vector,
)

# The mark of the document that goes.
GONE = 7


def a_feed(passages: int) -> FakeChangeFeed:
    """Return a feed with passages in three documents, and the marked one in the middle."""
    feed = FakeChangeFeed()
    words = ("invoice", "router", "password")
    chunks = [a_chunk(f"{n:03}", "abc"[n % 3], seed=n, text=words[n % 3]) for n in range(passages)]
    feed.write(ACME, documents=[a_document(name) for name in "abc"], chunks=chunks[::2])
    marked = [a_marked_chunk(f"x{n}", "x", GONE) for n in range(3)]
    feed.write(ACME, documents=[a_marked_document("x", GONE)], chunks=marked)
    feed.write(ACME, chunks=chunks[1::2])
    return feed


def delete(feed: FakeChangeFeed) -> None:
    """Delete the marked document."""
    feed.write(ACME, deleted_documents=["doc_x"])


@pytest.fixture(params=[10, 120], ids=["small", "large"])
def replica(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReplicaUnderTest]:
    """Return a replica that is level and in memory, without a graph or with one and a snapshot."""
    replica = ReplicaUnderTest(a_feed(request.param), tmp_path / "replica")
    replica.follow()
    maintain(replica)
    assert has_graph(replica) == (request.param > 100)
    assert is_erased(replica)
    yield replica
    replica.stop()


def restart(replica: ReplicaUnderTest) -> None:
    """End in order, and begin again."""
    replica.stop()
    replica.start()


def test_a_deleted_document_leaves_all_files(replica: ReplicaUnderTest) -> None:
    """Title, address, tags, headings, text and units are in no file once the replica says so."""
    assert traces(replica.folder, GONE)
    delete(replica.feed)
    replica.follow()
    assert not is_erased(replica)
    erase(replica)
    assert traces(replica.folder, GONE) == []
    require_as_new(replica, replica.feed)
    assert traces(replica.folder, GONE) == []


def test_a_file_that_is_not_in_memory_is_erased_without_loading_it(replica: ReplicaUnderTest) -> None:
    """The snapshot loses its words, which are made anew when the file is loaded."""
    restart(replica)
    delete(replica.feed)
    replica.follow()
    erase(replica)
    assert replica.collection(ACME) is None
    assert traces(replica.folder, GONE) == []
    require_as_new(replica, replica.feed)


@pytest.mark.parametrize("end", [ReplicaUnderTest.crash, restart])
def test_what_was_not_erased_before_the_end_is_erased_after_the_start(
    replica: ReplicaUnderTest, end: Callable[[ReplicaUnderTest], None]
) -> None:
    """Nothing is claimed after a restart that was not shown before."""
    delete(replica.feed)
    replica.follow()
    end(replica)
    assert not is_erased(replica)
    replica.follow()
    maintain(replica)
    assert not is_erased(replica)
    erase(replica)
    assert traces(replica.folder, GONE) == []
    require_as_new(replica, replica.feed)


@pytest.mark.parametrize("end", [ReplicaUnderTest.crash, restart])
def test_what_was_erased_stays_so(replica: ReplicaUnderTest, end: Callable[[ReplicaUnderTest], None]) -> None:
    """After a restart a replica still says so, and still is right."""
    delete(replica.feed)
    replica.follow()
    erase(replica)
    maintain(replica)
    end(replica)
    assert is_erased(replica)
    replica.follow()
    require_as_new(replica, replica.feed)
    maintain(replica)
    assert is_erased(replica)
    assert traces(replica.folder, GONE) == []


def test_a_snapshot_keeps_its_graph(tmp_path: Path) -> None:
    """A deletion costs the snapshot its words alone, and the next round gives it those of now."""
    replica = ReplicaUnderTest(a_feed(120), tmp_path / "replica")
    replica.follow()
    maintain(replica)
    (graph,) = folder_of(replica).glob("graph-*")
    delete(replica.feed)
    replica.follow()
    erase(replica)
    assert list(folder_of(replica).glob("saved-*")) == []
    replica.workspaces.maintain()
    assert list(folder_of(replica).glob("graph-*")) == [graph]
    assert len(list(folder_of(replica).glob("saved-*"))) == 1
    restart(replica)
    replica.follow()
    assert has_graph(replica)
    require_as_new(replica, replica.feed)
    assert traces(replica.folder, GONE) == []
    replica.stop()


def test_without_deletions_nothing_is_to_be_done(replica: ReplicaUnderTest) -> None:
    """New passages and documents, and revisions that change nothing, are erased as they come."""
    replica.feed.write(ACME, documents=[a_document("n")], chunks=[a_chunk("n", "n")])
    replica.follow()
    assert is_erased(replica)
    replica.feed.write(ACME, documents=[a_document("n")])
    replica.follow()
    assert is_erased(replica)
    restart(replica)
    replica.feed.write(ACME, chunks=[a_chunk("m", "n")])
    replica.follow()
    assert is_erased(replica)


def test_what_is_replaced_leaves_with_the_next_deletion(replica: ReplicaUnderTest) -> None:
    """A passage's old text and a document's old title and tags are erased like what was deleted."""
    replica.feed.write(ACME, documents=[a_marked_document("a", 20)], chunks=[a_marked_chunk("n", "a", 21)])
    replica.follow()
    erase(replica)
    replica.feed.write(ACME, documents=[a_marked_document("a", 22)], chunks=[a_marked_chunk("n", "a", 23)])
    replica.follow()
    assert not is_erased(replica)
    delete(replica.feed)
    replica.follow()
    erase(replica)
    assert [traces(replica.folder, mark) for mark in (GONE, 20, 21)] == [[], [], []]
    assert traces(replica.folder, 22)
    assert traces(replica.folder, 23)


def test_a_reader_of_the_file_puts_it_off(replica: ReplicaUnderTest) -> None:
    """While somebody reads what was, the log can't go, and nothing is claimed."""
    (path,) = replica.folder.glob(f"workspaces/{ACME}/*.sqlite")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM chunks").fetchone()
    delete(replica.feed)
    replica.follow()
    replica.workspaces.erase()
    assert not is_erased(replica)
    assert "chunk_x0" not in replica.found(ACME, a_question(a_vector(GONE), limit=200))
    reader.execute("COMMIT")
    reader.close()
    erase(replica)
    assert traces(replica.folder, GONE) == []


def test_a_file_that_is_being_built_is_erased_too(tmp_path: Path) -> None:
    """What is deleted before a new generation is level is not in its file either."""
    feed = a_feed(10)
    replica = ReplicaUnderTest(feed, tmp_path / "replica")
    replica.follow()
    feed.page_revisions = 1
    replica.feed.forget_tombstones(ACME)
    replica.crash()
    delete(feed)
    replica.follow()
    erase(replica)
    assert traces(replica.folder, GONE) == []
    replica.stop()


@pytest.mark.timeout(300)
def test_a_crash_while_erasing_claims_nothing(tmp_path: Path) -> None:
    """Wherever the machine stops: what is claimed after the start is so, and the rest follows."""
    # One step in two: each takes a replica of its own.
    for steps in range(0, 120, 2):
        folder = tmp_path / f"{steps}" / "replica"
        replica = ReplicaUnderTest(a_feed(120), folder)
        replica.follow()
        maintain(replica)
        delete(replica.feed)
        replica.follow()
        try:
            with power_cut(folder_of(replica), steps):
                erase(replica)
                replica.workspaces.maintain()
        except PowerCut:
            replica.crash()
            if is_erased(replica):
                assert traces(folder, GONE) == []
            replica.follow()
            found = replica.found(ACME, a_question(a_vector(GONE), limit=200))
            assert len(found) == 120
            erase(replica)
            assert traces(folder, GONE) == []
            require_as_new(replica, replica.feed)
            replica.stop()
            shutil.rmtree(folder.parent)
            continue
        break
    assert 10 < steps < 118
