"""A replica that dies at any step on its files is right after its next start."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from pathlib import Path

import pytest

from services.vector_search.domain.changes import EmbeddingModel
from services.vector_search.domain.follower import Follower
from services.vector_search.domain.replica import Replica
from services.vector_search.domain.workspaces import Workspaces
from services.vector_search.index.collection import HybridCollections
from services.vector_search.storage.data_directory import DataDirectory
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.crashing_files import CrashingDirectory, Life
from tests.fakes.failing_embedder import Killed
from tests.fakes.power_cut import PowerCut, power_cut
from tests.fakes.traces import a_marked_chunk, a_marked_document, erase, traces
from tests.fakes.vector_search_data import ACME, ReplicaUnderTest, a_chunk, a_document, a_question, as_it_is

OTHER = EmbeddingModel("other", 16)
ANY = a_question(text="invoice words", limit=200)
GONE, REPLACED = 7, 8
# Enough for a graph.
PASSAGES = 45

Act = Callable[["Mortal"], object]


class Mortal(ReplicaUnderTest):
    """A replica whose process ends at a step of `life`."""

    life = Life()

    def start(self) -> None:
        """Begin, over what is in the folder; a machine that stopped has let go of it."""
        super().start()
        if self.life.last == Life.FOR_EVER:
            return
        self.directory.release()
        self.directory = DataDirectory(self.folder)
        loader = HybridCollections(self.directory.index_cache, self.settings, as_it_is)
        files = CrashingDirectory(self.directory, self.life)
        self.workspaces = Workspaces(files, loader, self.memory_bytes, self.clock)
        self.follower = Follower(self.feed, self.workspaces, self.past, self.lease, self.clock)
        self.replica = Replica(self.workspaces, self.past, self.lease)


def story(feed: FakeChangeFeed) -> Iterator[Act]:
    """Passages come, change and go; another generation is made, gone over to, and the first one dropped."""
    own = [a_chunk(f"{n:03}", "ab"[n % 2], seed=n, text=f"words number{n}") for n in range(PASSAGES)]
    marked = [a_marked_chunk("x", "x", GONE), a_marked_chunk("y", "y", REPLACED)]
    documents = [a_document("a"), a_document("b"), a_marked_document("x", GONE), a_document("y")]
    feed.write(ACME, documents=documents, chunks=[*own, *marked])
    yield Mortal.follow
    yield load
    yield maintain
    feed.begin_reindex(ACME, OTHER)
    following = [a_chunk(f"n{n:03}", "ab"[n % 2], seed=n, text="words", dimensions=16) for n in range(9)]
    feed.write(ACME, next_chunks=following)
    yield Mortal.follow
    feed.write(ACME, documents=[a_document("y")], chunks=[a_chunk("y", "y", text="words")])
    feed.write(ACME, deleted_documents=["doc_x"], next_chunks=[a_chunk("ny", "y", dimensions=16)])
    yield Mortal.follow
    yield maintain
    feed.set_switch(ACME, 20)
    yield Mortal.follow
    yield pass_by(30)
    yield load
    feed.make_switch(ACME)
    yield Mortal.follow
    yield maintain
    feed.write(ACME, deleted_documents=["doc_b"])
    yield Mortal.follow
    yield maintain


def load(replica: Mortal) -> None:
    """Have what serves in memory."""
    replica.follow()
    replica.found(ACME, ANY)


def maintain(replica: Mortal) -> None:
    """Do what the maintaining and the erasing thread do."""
    replica.workspaces.maintain()
    replica.workspaces.erase()


def pass_by(seconds: float) -> Act:
    """Let time pass, within leases."""

    def act(replica: Mortal) -> None:
        replica.clock.now += seconds

    return act


def live(replica: Mortal, acts: Iterator[Act], cut: AbstractContextManager[None]) -> bool:
    """Do one thing after the other; after the end of the process the same again, as a new one. Survived?"""
    survived = True
    with cut:
        for act in acts:
            try:
                act(replica)
            except (Killed, PowerCut):
                survived = False
                break
    if survived:
        replica.life.last = Life.FOR_EVER
    else:
        replica.life = Life()
        replica.crash()
        act(replica)
        for act in acts:
            act(replica)
    return survived


def require_right(replica: Mortal) -> None:
    """It answers as one that read the feed just now, has nothing of what is gone, and no file too many."""
    replica.follow()
    load(replica)
    maintain(replica)
    erase(replica)
    replica.follow()
    feed = replica.feed
    fresh = ReplicaUnderTest(feed.of_another_replica(), replica.folder.parent / "fresh", clock=replica.clock)
    fresh.follow()
    for exact in (False, True):
        question = a_question(text="invoice words", limit=200, exact=exact)
        mine, others = (each.replica.search(ACME, question, None) for each in (replica, fresh))
        assert (
            (mine.revision, mine.generation) == (others.revision, others.generation) == (feed.head(ACME), 2)
        )
        ids = sorted(each.chunk_id for each in mine.passages)
        assert ids == sorted(each.chunk_id for each in others.passages)
        assert len(set(ids)) == len(ids) == 6
    fresh.stop()
    shutil.rmtree(fresh.folder)
    assert traces(replica.folder, GONE) == traces(replica.folder, REPLACED) == []
    (file,) = replica.folder.glob(f"workspaces/{ACME}/*.sqlite")
    assert file.name.startswith("2-")
    assert feed.erased[ACME] == feed.head(ACME)


def a_replica(folder: Path) -> Mortal:
    """Return a replica with an empty feed, whose leases outlast the story."""
    feed = FakeChangeFeed(lease_seconds=1000.0, page_revisions=1)
    replica = Mortal(feed, folder)
    feed.clock = replica.clock
    return replica


@pytest.mark.timeout(300)
def test_a_process_dies_after_any_step(tmp_path: Path) -> None:
    """After each transaction on a file of passages, and each file made or deleted, the process is killed."""
    for last in count(1):
        replica = a_replica(tmp_path / f"{last}" / "replica")
        replica.life = Life(last)
        replica.stop()
        try:
            replica.start()
            begun = True
        except Killed:
            begun = False
        if not begun:
            replica.life = Life()
            replica.crash()
        survived = live(replica, story(replica.feed), nullcontext()) and begun
        require_right(replica)
        replica.stop()
        shutil.rmtree(replica.folder.parent)
        if survived:
            assert last > 20
            return


@pytest.mark.timeout(300)
def test_a_machine_stops_at_any_step(tmp_path: Path) -> None:
    """At steps in the file system, one in five, the machine stops."""
    for steps in count(0, 5):
        replica = a_replica(tmp_path / f"{steps}" / "replica")
        survived = live(replica, story(replica.feed), power_cut(replica.folder, steps))
        require_right(replica)
        replica.stop()
        shutil.rmtree(replica.folder.parent)
        if survived:
            assert steps > 30
            return
