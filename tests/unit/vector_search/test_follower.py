"""Following the feed: acknowledgements, the lease, restarts, generations, damage."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import Changes, Cursor, EmbeddingModel, Position
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.errors import ChangesRefused, IndexBehind
from services.vector_search.domain.replica import Replica
from services.vector_search.domain.search import SearchQuery, SearchResult
from services.vector_search.domain.workspaces import Workspaces
from services.vector_search.index.collection import HybridCollections
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.vector_search_data import (
    ACME,
    GLOBEX,
    SMALL,
    ReplicaUnderTest,
    Seconds,
    a_chunk,
    a_document,
    a_question,
    a_vector,
    as_it_is,
)

ANYTHING = a_question(a_vector(1), limit=200)


@pytest.fixture
def feed() -> FakeChangeFeed:
    """Return a feed with a document of one passage."""
    feed = FakeChangeFeed(page_revisions=2)
    feed.write(ACME, documents=[a_document("x")], chunks=[a_chunk("a", "x")])
    return feed


@pytest.fixture
def replica(feed: FakeChangeFeed, tmp_path: Path) -> Iterator[ReplicaUnderTest]:
    """Return a replica that has not begun to follow."""
    replica = ReplicaUnderTest(feed, tmp_path)
    yield replica
    replica.stop()


def database(replica: ReplicaUnderTest, workspace_id: WorkspaceId = ACME) -> Path:
    """Return the only file of a workspace."""
    (path,) = (replica.folder / "workspaces" / workspace_id).glob("*.sqlite")
    return path


def test_refuses_until_level(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A replica that just started answers nothing before it has all that it was behind on."""
    feed.write(GLOBEX, documents=[a_document("y")], chunks=[a_chunk("b", "y")])
    with pytest.raises(Unavailable):
        replica.found(ACME, ANYTHING)
    replica.follower.step()
    assert replica.lease.held
    with pytest.raises(Unavailable):
        replica.found(ACME, ANYTHING)
    replica.follow()
    assert replica.found(ACME, ANYTHING) == ["chunk_a"]


def test_refuses_until_it_was_told_of_everything(tmp_path: Path) -> None:
    """Where one answer does not hold all that is behind, serving waits for the last of it."""
    feed = FakeChangeFeed(max_behind=2)
    names = [WorkspaceId(f"ws_{n}") for n in range(5)]
    for name in names:
        feed.write(name, documents=[a_document("x")], chunks=[a_chunk("a", "x")])
    replica = ReplicaUnderTest(feed, tmp_path)
    while not replica.lease.may_serve:
        replica.clock.now += 0.05
        replica.follower.step()
    assert [replica.found(name, ANYTHING) for name in names] == [["chunk_a"]] * 5
    replica.stop()


def test_serves_at_once_where_nothing_is_behind(tmp_path: Path) -> None:
    """An empty installation's replica is ready with its first report."""
    replica = ReplicaUnderTest(FakeChangeFeed(), tmp_path)
    replica.follower.step()
    assert replica.found(ACME, ANYTHING) == []
    replica.stop()


def test_acknowledges_what_it_applied_at_once(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """The feed learns of each revision with the report after it."""
    replica.follow()
    revision = feed.write(ACME, chunks=[a_chunk("b", "x")])
    replica.follow()
    assert feed.acknowledged == {ACME: Position(ACME, 1, revision)}


def test_reports_all_positions_after_a_start(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """The first report tells the feed to forget, and what the files have."""
    replica.follow()
    feed.acknowledged = {GLOBEX: Position(GLOBEX, 1, 99)}
    replica.crash()
    replica.follower.step()
    assert feed.resets == 2
    assert feed.acknowledged == {ACME: Position(ACME, 1, 1)}


def test_later_reports_say_only_what_moved(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A quiet workspace is not mentioned again."""
    feed.write(GLOBEX, documents=[a_document("y")])
    replica.follow()
    feed.reports.clear()
    revision = feed.write(ACME, chunks=[a_chunk("b", "x")])
    replica.follow()
    assert [each for each in feed.reports if each] == [[Position(ACME, 1, revision)]]


def test_what_was_forgotten_is_acknowledged_again(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A feed that lost an acknowledgement gets it again instead of being asked forever."""
    replica.follow()
    feed.acknowledged.clear()
    replica.follow()
    assert feed.acknowledged == {ACME: Position(ACME, 1, 1)}


def test_stops_serving_when_the_lease_ends(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A replica that is cut off refuses, since it can't know what was deleted since."""
    replica.follow()
    feed.down = True
    replica.clock.now += feed.lease_seconds
    with pytest.raises(Unavailable):
        replica.found(ACME, ANYTHING)


def test_after_a_gap_it_catches_up_before_it_serves(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """What was deleted while it was cut off is never shown by it."""
    replica.follow()
    replica.clock.now += 11
    feed.write(ACME, deleted_chunks=["chunk_a"])
    feed.page_revisions = 1
    feed.write(ACME, chunks=[a_chunk("b", "x")])
    seen = set()
    for _ in range(10):
        replica.follower.step()
        replica.clock.now += 0.05
        if replica.lease.may_serve:
            seen.update(replica.found(ACME, ANYTHING))
    assert seen == {"chunk_b"}
    assert feed.resets == 2


def test_the_lease_is_renewed_during_a_long_catch_up(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """However much is behind, a report goes out every second."""
    replica.follow()
    feed.page_revisions = 1
    for n in range(60):
        feed.write(ACME, chunks=[a_chunk(f"n{n}", "x")])
    for _ in range(80):
        replica.follower.step()
        # A page takes almost half a second here.
        replica.clock.now += 0.4
        assert replica.lease.may_serve
    assert len(replica.found(ACME, ANYTHING)) == 61


def test_a_large_workspace_does_not_hold_up_a_small_one(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """Workspaces take turns, a page each."""
    replica.follow()
    feed.page_revisions = 1
    for n in range(50):
        feed.write(ACME, chunks=[a_chunk(f"n{n}", "x")])
    feed.write(GLOBEX, documents=[a_document("y")], chunks=[a_chunk("b", "y")])
    for _ in range(6):
        replica.clock.now += 0.2
        replica.follower.step()
    assert replica.found(GLOBEX, ANYTHING) == ["chunk_b"]
    assert len(replica.found(ACME, ANYTHING)) < 20


def test_workspaces_never_mix(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """Each workspace finds its own, under the same ids too."""
    feed.write(GLOBEX, documents=[a_document("x")], chunks=[a_chunk("a", "x", text="secret of globex")])
    replica.follow()
    for text in ("secret", "words"):
        (ours,) = replica.replica.search(ACME, a_question(a_vector(1), text), None).passages
        (theirs,) = replica.replica.search(GLOBEX, a_question(a_vector(1), text), None).passages
        assert (ours.text, theirs.text) == ("words of a", "secret of globex")
    feed.write(GLOBEX, deleted_documents=["doc_x"])
    replica.follow()
    assert replica.found(ACME, ANYTHING) == ["chunk_a"]
    assert replica.found(GLOBEX, ANYTHING) == []


def test_an_unknown_workspace_has_nothing(replica: ReplicaUnderTest) -> None:
    """Nobody learns from the answer whether a workspace exists."""
    replica.follow()
    result = replica.replica.search(WorkspaceId("ws_nobody"), ANYTHING, None)
    assert (list(result.passages), result.revision) == ([], 0)


def test_waits_for_a_revision(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A question that needs a revision is answered as soon as that is here."""
    replica.follow()
    revision = feed.write(ACME, chunks=[a_chunk("b", "x")])
    answers: list[list[str]] = []
    asking = threading.Thread(
        target=lambda: answers.append(replica.found(ACME, replace(ANYTHING, min_revision=revision)))
    )
    asking.start()
    replica.follow()
    asking.join(10)
    assert sorted(answers[0]) == ["chunk_a", "chunk_b"]


@pytest.mark.parametrize("workspace_id", [ACME, WorkspaceId("ws_nobody")])
def test_says_when_it_is_behind(replica: ReplicaUnderTest, workspace_id: WorkspaceId) -> None:
    """Without the revision within the caller's time, the caller is told so."""
    replica.follow()
    with pytest.raises(IndexBehind):
        replica.replica.search(workspace_id, replace(ANYTHING, min_revision=5), 0.15)


def test_forgotten_tombstones_mean_a_new_file(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A cursor older than the tombstones starts again, and what is gone does not stay behind."""
    replica.follow()
    feed.write(ACME, deleted_chunks=["chunk_a"])
    feed.write(ACME, chunks=[a_chunk("b", "x")])
    feed.forget_tombstones(ACME)
    before = database(replica)
    replica.follow()
    assert replica.found(ACME, ANYTHING) == ["chunk_b"]
    assert database(replica) != before


@pytest.mark.parametrize("crashes", [False, True])
def test_a_file_begun_after_tombstones_went_gets_level(
    feed: FakeChangeFeed, replica: ReplicaUnderTest, crashes: bool
) -> None:
    """Page by page, though the newest change is forgotten; after a crash on the way from the beginning."""
    for name in "bcdef":
        feed.write(ACME, chunks=[a_chunk(name, "x")])
    feed.write(ACME, deleted_chunks=["chunk_a", "chunk_f"])
    feed.forget_tombstones(ACME)
    replica.follower.step()
    assert feed.calls.count("changes") == 1
    if crashes:
        replica.crash()
    replica.follow()
    assert sorted(replica.found(ACME, ANYTHING)) == ["chunk_b", "chunk_c", "chunk_d", "chunk_e"]
    assert feed.acknowledged[ACME].revision == feed.head(ACME)


def test_a_file_begun_before_tombstones_went_begins_again(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """What its first page brought may be gone without a trace."""
    for name in "bcd":
        feed.write(ACME, chunks=[a_chunk(name, "x")])
    replica.follower.step()
    feed.write(ACME, deleted_chunks=["chunk_a"])
    feed.forget_tombstones(ACME)
    replica.follow()
    assert sorted(replica.found(ACME, ANYTHING)) == ["chunk_b", "chunk_c", "chunk_d"]


def test_documents_come_before_the_model_is_known(tmp_path: Path) -> None:
    """Until something was embedded a workspace has no vectors, and no answers, but a revision."""
    feed = FakeChangeFeed(dimensions=0)
    feed.write(ACME, documents=[a_document("x")])
    replica = ReplicaUnderTest(feed, tmp_path)
    replica.follow()
    assert replica.replica.search(ACME, ANYTHING, None) == SearchResult(1, generation=1)
    feed.set_model(ACME, EmbeddingModel("fake-model", 8))
    feed.write(ACME, chunks=[a_chunk("a", "x")])
    replica.follow()
    assert replica.found(ACME, ANYTHING) == ["chunk_a"]
    replica.stop()


def test_a_damaged_file_is_rebuilt_after_a_start(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A file that can't be opened is dropped, and the feed is asked from its beginning."""
    replica.follow()
    replica.stop()
    database(replica).write_bytes(b"rubbish" * 2000)
    replica.start()
    replica.follow()
    assert replica.found(ACME, ANYTHING) == ["chunk_a"]


def test_damage_found_while_loading_is_rebuilt(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """Content that does not fit its checksum is refused, never served, and fetched again."""
    replica.follow()
    replica.stop()
    raw = database(replica).read_bytes()
    database(replica).write_bytes(raw.replace(b"words of a", b"words of b"))
    replica.start()
    replica.follow()
    with pytest.raises(Unavailable):
        replica.found(ACME, ANYTHING)
    with pytest.raises(Unavailable):
        replica.found(ACME, ANYTHING)
    resets = feed.resets
    replica.follow()
    (passage,) = replica.replica.search(ACME, ANYTHING, None).passages
    assert passage.text == "words of a"
    assert feed.resets == resets + 1


def test_damage_found_while_writing_is_rebuilt(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A file that fails under a change is dropped; the workspace is refused until it is whole again."""
    replica.follow()
    database(replica).write_bytes(b"rubbish" * 2000)
    feed.write(ACME, chunks=[a_chunk("b", "x")])
    feed.write(GLOBEX, documents=[a_document("y")], chunks=[a_chunk("c", "y")])
    replica.follow()
    assert sorted(replica.found(ACME, ANYTHING)) == ["chunk_a", "chunk_b"]
    assert replica.found(GLOBEX, ANYTHING) == ["chunk_c"]
    assert feed.acknowledged[ACME] == Position(ACME, 1, 2)


def test_a_deleted_folder_is_rebuilt(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A replica that lost everything is level again without anybody's help."""
    replica.follow()
    replica.stop()
    database(replica).unlink()
    replica.start()
    replica.follow()
    assert replica.found(ACME, ANYTHING) == ["chunk_a"]


class PoisonedFeed(FakeChangeFeed):
    """Sends nonsense for one workspace."""

    poisoned = True

    def changes(self, cursor: Cursor) -> Changes:
        """Break the feed's rules for ACME."""
        if self.poisoned and cursor.position.workspace_id == ACME:
            raise ChangesRefused("a vector of 3 values")
        return super().changes(cursor)


def test_one_poisoned_workspace_does_not_stop_the_others(tmp_path: Path) -> None:
    """What can't be taken is refused alone, tried again later, and heals."""
    feed = PoisonedFeed()
    feed.write(ACME, documents=[a_document("x")], chunks=[a_chunk("a", "x")])
    feed.write(GLOBEX, documents=[a_document("y")], chunks=[a_chunk("b", "y")])
    replica = ReplicaUnderTest(feed, tmp_path)
    for _ in range(6):
        replica.clock.now += 0.2
        replica.follower.step()
    assert replica.found(GLOBEX, ANYTHING) == ["chunk_b"]
    with pytest.raises(Unavailable):
        replica.found(ACME, ANYTHING)
    assert replica.follower.step() is False
    feed.poisoned = False
    replica.clock.now += 5
    replica.follow()
    assert replica.found(ACME, ANYTHING) == ["chunk_a"]
    replica.stop()


def test_a_workspace_that_is_being_loaded_does_not_cost_the_lease(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """While another thread is busy with one workspace, the follower goes on with the others."""
    replica.follow()
    busy = replica.workspaces._workspaces[ACME].generation(1)
    held, release = threading.Event(), threading.Event()

    def load() -> None:
        with busy.lock:
            held.set()
            release.wait(30)

    loading = threading.Thread(target=load)
    loading.start()
    held.wait(30)
    feed.write(ACME, chunks=[a_chunk("b", "x")])
    feed.write(GLOBEX, documents=[a_document("y")], chunks=[a_chunk("c", "y")])
    for _ in range(4):
        replica.clock.now += 0.2
        replica.follower.step()
    assert replica.found(GLOBEX, ANYTHING) == ["chunk_c"]
    release.set()
    loading.join(30)
    replica.follow()
    assert sorted(replica.found(ACME, ANYTHING)) == ["chunk_a", "chunk_b"]


def test_memory_is_given_back(feed: FakeChangeFeed, tmp_path: Path) -> None:
    """Beyond the budget the least recently used workspaces go, and come back when they are asked."""
    for n in range(5):
        name = WorkspaceId(f"ws_{n}")
        feed.write(name, documents=[a_document("x")], chunks=[a_chunk(f"{n}.{i}", "x") for i in range(50)])
    replica = ReplicaUnderTest(feed, tmp_path, SMALL, memory_bytes=8_000)
    replica.follow()
    for _ in range(2):
        for n in range(5):
            assert len(replica.found(WorkspaceId(f"ws_{n}"), ANYTHING)) == 50
            loaded = dict(replica.workspaces._loaded.all())
            assert sum(each.memory_bytes for each in loaded.values()) <= 8_000
            assert WorkspaceId(f"ws_{n}") in {each.id.workspace_id for each in loaded}
    replica.stop()


def test_an_unloaded_workspace_is_never_served_below_what_was_acknowledged(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """Changes of a workspace that nobody searched yet are in its file, and so in its first answer."""
    replica.follow()
    feed.write(ACME, deleted_chunks=["chunk_a"])
    replica.follow()
    assert replica.workspaces._loaded.all() == []
    assert feed.acknowledged[ACME].revision == 2
    assert replica.found(ACME, ANYTHING) == []


def test_searches_and_changes_at_once(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """While passages come and go, every answer is one revision's, whole."""
    for n in range(60):
        feed.write(ACME, chunks=[a_chunk(f"base{n}", "x")])
    replica.follow()
    feed.write(ACME, chunks=[a_chunk("left", "x", seed=1)])
    replica.follow()
    problems: list[object] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            try:
                found = set(replica.found(ACME, a_question(a_vector(1), "left right", limit=5)))
                if len(found & {"chunk_left", "chunk_right"}) != 1 or len(found) != 5:
                    problems.append(found)
            except Exception as error:
                problems.append(error)

    def maintain() -> None:
        while not stop.is_set():
            replica.workspaces.maintain()

    threads = [threading.Thread(target=each) for each in (search, search, search, maintain)]
    for thread in threads:
        thread.start()
    sides = ["left", "right"]
    for _ in range(60):
        gone, come = sides
        feed.write(ACME, deleted_chunks=[f"chunk_{gone}"], chunks=[a_chunk(come, "x", seed=1)])
        replica.follow()
        sides.reverse()
    stop.set()
    for thread in threads:
        thread.join(30)
    assert problems == []


class SlowWorkspaces(Workspaces):
    """Takes a while to search."""

    clock: Seconds

    def search_each(
        self, workspace_id: WorkspaceId, queries: Sequence[SearchQuery], deadline: Deadline
    ) -> list[SearchResult]:
        """Search, while the lease runs out."""
        results = super().search_each(workspace_id, queries, deadline)
        self.clock.now += 11
        return results


def test_an_answer_that_outlived_its_lease_is_not_given(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """What was found in time but is ready too late may have been deleted meanwhile."""
    replica.follow()
    loader = HybridCollections(replica.directory.index_cache, SMALL, as_it_is)
    slow = SlowWorkspaces(replica.directory, loader, 1 << 30, replica.clock)
    slow.clock = replica.clock
    with pytest.raises(Unavailable):
        Replica(slow, replica.past, replica.lease).search(ACME, ANYTHING, None)
    slow.close()
