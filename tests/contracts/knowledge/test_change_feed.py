"""The change feed: order, whole revisions, restarts, replicas."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import Patch, Status
from services.knowledge.domain.draft import draft
from services.knowledge.domain.follow_changes import FollowChanges
from services.knowledge.domain.ports.documents import ListFilters
from services.knowledge.storage.tables import DOCUMENTS
from tests.contracts.knowledge.feed_follower import Follower
from tests.contracts.knowledge.search_replica import SearchReplica
from tests.contracts.knowledge.workshop import LEASE_SECONDS, OTHER, WORKSPACE, Workshop, page


def test_behind_names_what_is_missing(workshop: Workshop) -> None:
    """A replica learns which workspaces have more than it acknowledged, and no others."""
    workshop.indexed()
    workshop.create(workspace_id=OTHER)
    workshop.index()
    (behind,) = workshop.sync((WORKSPACE, 1))
    assert (behind.workspace_id, behind.generation, behind.revision) == (OTHER, 1, 1)
    assert workshop.sync((OTHER, 1)) == []


def test_however_many_wait_all_are_indexed(workshop: Workshop) -> None:
    """A replica waits for some at most; the rest, more than a statement can name, comes by and by."""
    document = workshop.create()
    workshop.index()
    with workshop.store.write() as tx:
        row = tx._connection.execute(sa.select(DOCUMENTS)).one()._mapping
        copies = [{**row, "id": f"{document.id}{number}", "external_id": None} for number in range(2500)]
        tx._connection.execute(DOCUMENTS.insert(), copies)
    workshop.sync((WORKSPACE, 1))
    assert workshop.read.index(WORKSPACE).pending == 1501
    workshop.follow.settle()
    assert workshop.read.index(WORKSPACE).pending == 0


def test_long_write_of_one_workspace_costs_no_replica_its_lease(workshop: Workshop) -> None:
    """A report is answered meanwhile; what it confirms is noted afterwards."""
    if workshop.url.startswith("sqlite"):
        pytest.skip("where writers are alone, and wait for each other anyway")
    document = workshop.create()
    workshop.index()
    with workshop.store.write() as tx:
        tx.bases.lock(WORKSPACE)
        assert workshop.sync((WORKSPACE, 1)) == []
    assert workshop.document(document.id).status is Status.PUBLISHING
    workshop.follow.settle()
    assert workshop.document(document.id).status is Status.INDEXED


def test_waits_for_news_no_longer_than_it_may(workshop: Workshop) -> None:
    """A level replica is answered at the end of its wait, or as soon as there is something."""
    workshop.indexed()
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            workshop.create()
            workshop.index()

    follow = FollowChanges(workshop.store, workshop.clock, 10, sleep)
    replica = workshop.replica((WORKSPACE, 1))
    assert [each.revision for each in follow.sync(replica, 1.0).behind] == [2]
    assert len(waited) == 3
    assert follow.sync(workshop.replica((WORKSPACE, 2)), 0.5).behind == []
    assert len(waited[3:]) == 10


def test_switch_is_news(workshop: Workshop) -> None:
    """A level replica that waits is told of a switch as soon as it is set."""
    replica = SearchReplica(workshop)
    workshop.create()
    workshop.index()
    workshop.reindex()
    workshop.index()
    replica.step()
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        workshop.switching.advance()

    follow = FollowChanges(workshop.store, workshop.clock, LEASE_SECONDS, sleep)
    news = follow.sync(workshop.replica(name="replica-1"), 2.0)
    assert [each.generation for each in news.switches] == [2]
    assert len(waited) == 2


def test_generation_that_is_being_made_has_a_feed(workshop: Workshop) -> None:
    """It has its own passages and all documents; in the other's feed its changes are empty revisions."""
    workshop.create(page("a", "Text."))
    workshop.index()
    workshop.reindex()
    assert workshop.changes(generation=2).sets[0].chunks == []
    workshop.index()
    head = workshop.changes().head_revision
    (change,) = workshop.changes(after=1).sets
    assert (change.revision, change.documents, change.chunks) == (head, [], [])
    follower = Follower(WORKSPACE, 2)
    follower.catch_up(workshop)
    assert (follower.revision, len(follower.documents), len(follower.chunks)) == (head, 1, 1)
    behind = workshop.sync(reset=True)
    assert {(each.generation, each.revision, each.next) for each in behind} == {
        (1, head, False),
        (2, head, True),
    }


def test_answers_are_cut_between_revisions(workshop: Workshop) -> None:
    """A long feed comes in parts, each of whole revisions and at least one."""
    for n in range(10):
        workshop.create(page(content=f"Text {n}. " * 30))
    workshop.index()
    follower = Follower(WORKSPACE)
    sizes = []
    while True:
        with workshop.store.read() as tx:
            changes = tx.feed.changes(WORKSPACE, 1, follower.revision, 3000)
        if not changes.sets:
            break
        sizes.append(len(changes.sets))
        follower.apply(changes)
    assert len(sizes) > 3
    assert sum(sizes) == 10
    assert len(follower.chunks) == 10
    with workshop.store.read() as tx:
        assert len(tx.feed.changes(WORKSPACE, 1, 0, 1).sets) == 1


def test_unknown_future_begins_anew(workshop: Workshop) -> None:
    """A replica that is ahead, as after a restored backup, or of another generation is told to restart."""
    workshop.indexed()
    assert workshop.changes(after=2).restart
    assert workshop.changes(WorkspaceId("ws_new"), after=1).restart
    assert workshop.follow.changes(WORKSPACE, 2, 0).restart
    assert not workshop.changes(after=1).restart
    assert not workshop.changes(WorkspaceId("ws_new")).restart


def test_replica_that_starts_late_sees_the_same(workshop: Workshop) -> None:
    """The feed from 0 and the feed as it came amount to the same state."""
    early = Follower(WORKSPACE)
    for n in range(4):
        workshop.create(page(f"p{n}", f"Text {n}."))
    workshop.index()
    early.catch_up(workshop)
    workshop.push(page("p1", "Edited."), page("p2", "Text 2.", tags=("x",)))
    workshop.write.delete_by_external_id(WORKSPACE, "p3", "")
    early.catch_up(workshop)
    workshop.index()
    early.catch_up(workshop)
    late = Follower(WORKSPACE)
    late.catch_up(workshop)
    assert early.state() == late.state()
    assert sorted(chunk.text for chunk in late.chunks.values()) == ["Edited.", "Text 0.", "Text 2."]


def test_concurrent_writers_skip_nothing(workshop: Workshop) -> None:
    """A follower that reads while many write sees every revision, in order, and ends with the truth."""
    documents = [workshop.create(page(f"p{n}", f"Text {n}.")) for n in range(8)]
    workshop.index()
    followers = [Follower(WORKSPACE), Follower(WORKSPACE)]
    stop = threading.Event()

    def write(writer: int) -> None:
        for round_ in range(6):
            document = documents[(writer * 2 + round_) % len(documents)]
            workshop.write.patch(WORKSPACE, document.id, Patch(tags=(f"w{writer}r{round_}",)), "")
            workshop.push(page(f"new{writer}-{round_}", f"New {writer} {round_}."))

    def index(name: str) -> None:
        indexer = workshop.indexer(name)
        while not stop.is_set():
            indexer.run(3, lambda: False)

    def follow(follower: Follower) -> None:
        while not stop.is_set():
            follower.catch_up(workshop)

    errors: list[BaseException] = []
    writers = [_thread(partial(write, n), errors) for n in range(4)]
    others = [_thread(partial(index, f"idx_{n}"), errors) for n in range(2)]
    others += [_thread(partial(follow, each), errors) for each in followers]
    for thread in writers:
        thread.join()
    while workshop.read.page(WORKSPACE, ListFilters(status="queued"), 1, "").items and not errors:
        pass
    stop.set()
    for thread in others:
        thread.join()
    assert errors == []
    workshop.index()
    truth = Follower(WORKSPACE)
    truth.catch_up(workshop)
    assert len(truth.documents) == len(truth.chunks) == 32
    for follower in followers:
        follower.catch_up(workshop)
        assert follower.state() == truth.state()


def test_concurrent_writers_of_one_external_id_make_one_document(workshop: Workshop) -> None:
    """Writers of a workspace go one after the other: none fails, the last one counts."""
    errors: list[BaseException] = []

    def put(writer: int) -> None:
        for round_ in range(5):
            said = page(f"same{round_}", f"Text {writer}.")
            workshop.write.put(WORKSPACE, draft(said), "")
            workshop.push(said, page(f"other{round_}"))

    threads = [_thread(partial(put, n), errors) for n in range(6)]
    for thread in threads:
        thread.join()
    assert errors == []
    assert workshop.read.index(WORKSPACE).documents == 10


def _thread(work: Callable[[], None], errors: list[BaseException]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread
