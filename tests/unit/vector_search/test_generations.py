"""Two generations of one workspace: held ready, gone over to, dropped."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from services.kernel.errors import Unavailable
from services.vector_search.domain.changes import Changes, Cursor, EmbeddingModel, Position
from services.vector_search.domain.deadline import NEVER
from services.vector_search.domain.errors import (
    CollectionClosed,
    EmbeddingModelMismatch,
    IndexBehind,
    StoreDamaged,
)
from services.vector_search.domain.replica import Replica
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.vector_search_data import (
    ACME,
    GLOBEX,
    ReplicaUnderTest,
    a_chunk,
    a_document,
    a_question,
    a_vector,
)

OTHER = EmbeddingModel("other", 16)
NEW = a_question(a_vector(1, 16), limit=200, embedding_model="other")
# By words: both generations can be asked.
ANY = a_question(text="words", limit=200)


@pytest.fixture
def feed() -> FakeChangeFeed:
    """Return a feed with two documents of one passage each."""
    feed = FakeChangeFeed(lease_seconds=100.0, page_revisions=2)
    feed.write(ACME, documents=[a_document("x"), a_document("y")], chunks=[a_chunk("a", "x")])
    feed.write(ACME, chunks=[a_chunk("b", "y")])
    return feed


@pytest.fixture
def replica(feed: FakeChangeFeed, tmp_path: Path) -> Iterator[ReplicaUnderTest]:
    """Return a replica that is level in both generations of a re-index that is done but for the switch."""
    replica = ReplicaUnderTest(feed, tmp_path)
    feed.clock = replica.clock
    replica.follow()
    feed.begin_reindex(ACME, OTHER)
    feed.write(ACME, next_chunks=[a_chunk("n1", "x", dimensions=16)])
    feed.write(ACME, next_chunks=[a_chunk("n2", "y", dimensions=16)])
    replica.follow()
    yield replica
    replica.stop()


class GivenUp(FakeChangeFeed):
    """A feed whose re-index is given up between the answer that names it and its first page."""

    giving_up = False

    def changes(self, cursor: Cursor) -> Changes:
        """Return what there is."""
        if self.giving_up and cursor.position.generation == 2:
            self.giving_up = False
            self.cancel_reindex(ACME)
        return super().changes(cursor)


def files(replica: ReplicaUnderTest) -> list[str]:
    """Return which generations have a file."""
    return sorted(path.name[0] for path in replica.folder.glob(f"workspaces/{ACME}/*.sqlite"))


def switch(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """Have the next generation serve, by clock and by word."""
    feed.set_switch(ACME, 5)
    replica.follow()
    replica.clock.now += 6
    feed.make_switch(ACME)
    replica.follow()
    replica.workspaces.maintain()


def test_what_is_next_is_held_ready_and_not_served(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """It is built beside, level and acknowledged, while the one before serves and takes changes."""
    assert feed.acknowledged == {ACME: Position(ACME, 1, 4)}
    assert feed.acknowledged_next == {ACME: Position(ACME, 2, 4)}
    assert replica.found(ACME, ANY) == ["chunk_a", "chunk_b"]
    feed.write(ACME, deleted_chunks=["chunk_a", "chunk_n1"])
    replica.follow()
    assert replica.found(ACME, ANY) == ["chunk_b"]
    assert feed.acknowledged_next == {ACME: Position(ACME, 2, 5)}
    assert files(replica) == ["1", "2"]


def test_at_its_instant_a_switch_needs_nobody(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """The search itself finds out: the follower may be busy or cut off, and no timer is needed."""
    feed.set_switch(ACME, 30)
    replica.follow()
    instant = replica.clock.now + 30 - 0.2
    replica.clock.now = instant - 1
    assert replica.replica.search(ACME, ANY, None).generation == 1
    replica.clock.now = instant + 1
    result = replica.replica.search(ACME, ANY, None)
    assert (result.generation, result.revision) == (2, 4)
    assert [each.chunk_id for each in result.passages] == ["chunk_n1", "chunk_n2"]
    # What serves is what counts.
    assert replica.workspaces.has_revision(ACME, 4)
    assert not replica.workspaces.has_revision(ACME, 5)


def test_in_the_moments_between_nobody_is_answered(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """From the earliest to the latest instant that it may be, a search waits, and then finds the new."""
    feed.set_switch(ACME, 30)
    replica.follow()
    workspace = replica.workspaces._workspaces[ACME]
    replica.clock.now += workspace.switch_seconds() or 0
    replica.clock.now -= 0.001
    impatient = Replica(replica.workspaces, replica.past, replica.lease, lambda: nullcontext(False))
    with pytest.raises(IndexBehind):
        impatient.search(ACME, ANY, None)
    with pytest.raises(IndexBehind, match="going over"):
        replica.replica.search(ACME, ANY, 0.15)
    found: list[list[str]] = []
    waiting = threading.Thread(target=lambda: found.append(replica.found(ACME, ANY)))
    waiting.start()
    replica.clock.now += 0.01
    waiting.join(30)
    assert found == [["chunk_n1", "chunk_n2"]]


def test_a_search_under_way_ends_where_it_began(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """What was begun before the switch is answered from the collection it had, which is closed after it."""
    feed.set_switch(ACME, 30)
    replica.follow()
    assert replica.replica.search(ACME, ANY, None).generation == 1
    began = replica.collection(ACME)
    assert began is not None
    replica.clock.now += 31
    assert replica.found(ACME, ANY) == ["chunk_n1", "chunk_n2"]
    feed.make_switch(ACME)
    replica.follow()
    assert files(replica) == ["1", "2"]
    assert [each.generation for each in began.search_each([ANY], NEVER)] == [1]
    replica.workspaces.maintain()
    assert files(replica) == ["2"]
    with pytest.raises(CollectionClosed):
        began.search_each([ANY], NEVER)


def test_the_old_word_does_not_bring_the_old_back(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """Between the instant and the feed's own switch the feed still names the old one; it stays behind."""
    feed.set_switch(ACME, 5)
    replica.follow()
    replica.clock.now += 6
    assert replica.replica.search(ACME, ANY, None).generation == 2
    feed.write(ACME, chunks=[a_chunk("c", "x")], next_chunks=[a_chunk("n3", "x", dimensions=16)])
    for _ in range(4):
        replica.clock.now += 0.2
        replica.follower.step()
        assert replica.replica.search(ACME, ANY, None).generation == 2
    assert feed.acknowledged_next[ACME].revision == 5
    feed.make_switch(ACME)
    replica.follow()
    assert feed.acknowledged == {ACME: Position(ACME, 2, 5)}
    assert len(replica.found(ACME, NEW)) == 3


def test_the_feed_may_be_first(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A switch that was announced and is not any more is made, whatever this replica's clock says."""
    feed.set_switch(ACME, 5)
    replica.follow()
    feed.make_switch(ACME)
    replica.follow()
    assert replica.replica.search(ACME, ANY, None).generation == 2
    replica.workspaces.maintain()
    assert files(replica) == ["2"]


def test_a_cancelled_re_index_leaves_nothing(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """What is made no longer is dropped, though nothing was written since."""
    feed.cancel_reindex(ACME)
    replica.follow()
    replica.workspaces.maintain()
    assert files(replica) == ["1"]
    assert replica.found(ACME, ANY) == ["chunk_a", "chunk_b"]
    assert feed.begin_reindex(ACME) == 2
    feed.write(ACME, next_chunks=[a_chunk("m", "x")])
    replica.follow()
    switch(feed, replica)
    assert replica.found(ACME, ANY) == ["chunk_m"]


def test_a_re_index_that_was_given_up_before_its_first_page_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A generation can be named by one answer and unknown by the next: a warning, and nothing is made."""
    feed = GivenUp(lease_seconds=100.0)
    feed.write(ACME, documents=[a_document("x")], chunks=[a_chunk("a", "x")])
    replica = ReplicaUnderTest(feed, tmp_path)
    feed.clock = replica.clock
    replica.follow()
    feed.begin_reindex(ACME, OTHER)
    feed.write(ACME, next_chunks=[a_chunk("n", "x", dimensions=16)])
    feed.giving_up = True
    replica.follow()
    assert [each.levelname for each in caplog.records if "can't be taken" in each.message] == ["WARNING"]
    assert files(replica) == ["1"]
    replica.stop()


def test_a_rollback_is_a_switch_like_any_other(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """The smaller number may be the next one."""
    switch(feed, replica)
    feed.begin_rollback(ACME, 1)
    replica.follow()
    assert files(replica) == ["1", "2"]
    assert replica.replica.search(ACME, ANY, None).generation == 2
    switch(feed, replica)
    assert files(replica) == ["1"]
    assert replica.found(ACME, ANY) == ["chunk_a", "chunk_b"]


@pytest.mark.parametrize("rolled_back", [False, True])
@pytest.mark.parametrize("what", ["nothing", "announced", "due", "made", "cancelled"])
def test_after_a_start_the_feed_says_which_file_serves(
    feed: FakeChangeFeed, replica: ReplicaUnderTest, what: str, rolled_back: bool
) -> None:
    """Of two complete files neither number nor revision decides; which one served before does not either."""
    old, new = 1, 2
    if rolled_back:
        switch(feed, replica)
        feed.begin_rollback(ACME, 1)
        replica.follow()
        old, new = 2, 1
    replica.directory.release()
    if what == "cancelled":
        feed.cancel_reindex(ACME)
    elif what != "nothing":
        feed.set_switch(ACME, 50 if what == "announced" else -1)
        if what == "made":
            feed.make_switch(ACME)
    replica.start()
    assert files(replica) == ["1", "2"]
    assert replica.workspaces.positions() == []
    with pytest.raises(Unavailable):
        replica.found(ACME, ANY)
    replica.follow()
    serving = new if what in ("due", "made") else old
    assert replica.replica.search(ACME, ANY, None).generation == serving
    replica.workspaces.maintain()
    kept = {"made": [new], "cancelled": [old]}.get(what, [1, 2])
    assert files(replica) == [str(each) for each in kept]


def test_a_switch_that_was_missed_is_learnt_before_serving(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """After a gap a replica serves nothing before it knows which generation serves, and then that one."""
    replica.clock.now += 101
    feed.set_switch(ACME, -1)
    feed.make_switch(ACME)
    generations = set()
    for _ in range(6):
        replica.clock.now += 0.05
        replica.follower.step()
        try:
            generations.add(replica.replica.search(ACME, ANY, None).generation)
        except Unavailable:
            continue
    assert generations == {2}
    replica.workspaces.maintain()
    assert files(replica) == ["2"]


def test_next_is_not_waited_for_before_serving_unless_it_is_about_to(
    feed: FakeChangeFeed, replica: ReplicaUnderTest, tmp_path: Path
) -> None:
    """A long re-index keeps no replica that starts from serving; one that is about to switch does."""
    for n in range(10):
        feed.write(ACME, next_chunks=[a_chunk(f"m{n}", "x", dimensions=16)])
    for announced in (False, True):
        if announced:
            feed.set_switch(ACME, 50)
        fresh = ReplicaUnderTest(feed.of_another_replica(), tmp_path / f"{announced}")
        fresh.clock.now = replica.clock.now
        while not fresh.lease.may_serve:
            fresh.clock.now += 0.05
            fresh.follower.step()
        held = fresh.workspaces._workspaces[ACME].generation(2)
        assert (held.revision == feed.head(ACME)) is announced
        fresh.stop()


def test_without_the_next_index_it_refuses_at_the_instant(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """A replica whose next file was lost answers neither from the old nor with nothing, until it is whole."""
    feed.set_switch(ACME, 5)
    replica.follow()
    lost = replica.workspaces._workspaces[ACME].generation(2)
    replica.workspaces._loaded.lose(lost, StoreDamaged("a test"))
    assert replica.replica.search(ACME, ANY, None).generation == 1
    replica.clock.now += 6
    with pytest.raises(Unavailable):
        replica.found(ACME, ANY)
    feed.make_switch(ACME)
    replica.follow()
    assert replica.found(ACME, ANY) == ["chunk_n1", "chunk_n2"]


def test_what_was_never_whole_is_refused_at_the_instant(feed: FakeChangeFeed, tmp_path: Path) -> None:
    """A replica that has not fetched the next index in time finds nothing in it, and says so."""
    replica = ReplicaUnderTest(feed, tmp_path)
    feed.clock = replica.clock
    replica.follow()
    feed.begin_reindex(ACME)
    feed.write(ACME, next_chunks=[a_chunk("n1", "x")])
    feed.page_revisions = 1
    feed.set_switch(ACME, 5)
    replica.clock.now += 0.2
    replica.follower.step()
    replica.clock.now += 6
    with pytest.raises(Unavailable):
        replica.found(ACME, ANY)
    replica.follow()
    assert replica.found(ACME, ANY) == ["chunk_n1"]
    replica.stop()


def test_damage_of_the_next_file_is_mended(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """It is found when changes come, told to the feed, fetched again, and disturbs nobody who asks."""
    (path,) = replica.folder.glob(f"workspaces/{ACME}/2-*.sqlite")
    path.write_bytes(b"rubbish" * 2000)
    feed.write(ACME, next_chunks=[a_chunk("n3", "x", dimensions=16)])
    resets = feed.resets
    for _ in range(10):
        replica.clock.now += 0.2
        replica.follower.step()
        assert replica.found(ACME, ANY) == ["chunk_a", "chunk_b"]
    assert feed.resets == resets + 1
    assert feed.acknowledged_next == {ACME: Position(ACME, 2, 5)}
    switch(feed, replica)
    assert len(replica.found(ACME, NEW)) == 3


def test_an_unfinished_next_file_goes_on_after_a_crash(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """What was half fetched is not fetched again, and is not served half."""
    replica.directory.release()
    for path in replica.folder.glob(f"workspaces/{ACME}/2-*"):
        path.unlink()
    feed.page_revisions = 1
    replica.start()
    while not replica.workspaces._workspaces[ACME].generation(2).cursor().position.revision:
        replica.clock.now += 0.2
        replica.follower.step()
    replica.crash()
    generation = replica.workspaces._workspaces[ACME].generation(2)
    assert 0 < generation.cursor().position.revision < 4
    assert generation.info is None
    replica.follow()
    assert feed.acknowledged_next == {ACME: Position(ACME, 2, 4)}


def test_what_is_deleted_meanwhile_does_not_come_back(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """A deletion goes through both generations, before the switch and after it was announced."""
    feed.write(ACME, deleted_documents=["doc_x"])
    replica.follow()
    feed.set_switch(ACME, 5)
    replica.follow()
    feed.write(ACME, deleted_documents=["doc_y"])
    replica.follow()
    replica.clock.now += 6
    result = replica.replica.search(ACME, NEW, None)
    assert (result.generation, list(result.passages)) == (2, [])


def test_an_answer_at_once_tells_the_instant_best(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """While a switch is to come, every other report does not wait for news."""
    for announced in (False, True):
        if announced:
            feed.set_switch(ACME, 50)
        feed.waits.clear()
        for _ in range(5):
            replica.clock.now += 0.2
            replica.follower.step()
        assert feed.waits == ([1.0, 0.0, 1.0, 0.0, 1.0] if announced else [1.0] * 5)


def test_a_vector_of_another_model_is_refused_by_name(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """Before its length is looked at; who says nothing of the model is not asked; words have none."""
    with pytest.raises(EmbeddingModelMismatch) as raised:
        replica.found(ACME, NEW)
    assert raised.value.metadata == {"embedding_model": "fake-model"}
    right = a_question(a_vector(1), limit=200, embedding_model="fake-model")
    assert len(replica.found(ACME, right)) == 2
    with pytest.raises(EmbeddingModelMismatch):
        replica.replica.search_each(ACME, [right, replace(right, embedding_model="other")], None)
    switch(feed, replica)
    assert len(replica.found(ACME, NEW)) == 2
    with pytest.raises(EmbeddingModelMismatch) as raised:
        replica.found(ACME, right)
    assert raised.value.metadata == {"embedding_model": "other"}


def test_what_serves_next_is_loaded_before_it_does(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """Where somebody asks the workspace, so that the first question after the switch does not wait."""
    following = replica.workspaces._workspaces[ACME].generation(2)
    replica.workspaces.maintain()
    assert following.collection is None
    replica.found(ACME, ANY)
    replica.workspaces.maintain()
    assert following.collection is not None


@pytest.mark.parametrize(("room", "announced"), [(2.1, False), (2.1, True), (1.5, True)])
def test_what_serves_next_takes_no_memory_from_what_serves(
    feed: FakeChangeFeed, replica: ReplicaUnderTest, room: float, announced: bool
) -> None:
    """Other workspaces make room for it once its switch is announced, if both fit into the budget at all."""
    feed.write(GLOBEX, documents=[a_document("z")], chunks=[a_chunk("z", "z")])
    replica.follow()
    replica.found(GLOBEX, ANY)
    replica.found(ACME, ANY)
    serving = replica.collection(ACME)
    assert serving is not None
    replica.workspaces._loaded._budget_bytes = int(room * serving.memory_bytes)
    if announced:
        feed.set_switch(ACME, 5)
        replica.follow()
    replica.workspaces.maintain()
    following = replica.workspaces._workspaces[ACME].generation(2)
    assert (following.collection is not None) is (announced and room > 2)
    assert replica.collection(ACME) is serving


def test_erasure_is_reported_for_all_files_of_a_workspace(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """A deletion is erased when no generation has anything of it, and told though nothing else moved."""
    revision = feed.write(ACME, deleted_documents=["doc_x"])
    replica.follow()
    before = feed.erased[ACME]
    assert before < revision
    generations = replica.workspaces._workspaces[ACME].generations
    generations[0].erase()
    replica.follow()
    assert feed.erased[ACME] == before
    replica.workspaces.erase()
    replica.follow()
    assert feed.erased[ACME] == revision


def test_what_was_dropped_counts_until_its_files_are_gone(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """What is deleted after a generation was dropped is not out of all files before those are deleted."""
    feed.cancel_reindex(ACME)
    replica.follow()
    revision = feed.write(ACME, deleted_documents=["doc_x"])
    replica.follow()
    replica.workspaces.erase()
    replica.follow()
    assert feed.erased[ACME] < revision
    replica.workspaces.maintain()
    replica.follow()
    assert feed.erased[ACME] == revision


def test_a_deletion_holds_for_the_past(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """What is kept of earlier revisions is dropped with what is deleted or kept from the public, not else."""
    for changes, dropped in [
        ({"chunks": [a_chunk("c", "x")]}, False),
        ({"documents": [a_document("x", title="Other")]}, False),
        ({"documents": [a_document("x", authenticated=True)]}, True),
        ({"deleted_documents": ["doc_x"]}, True),
    ]:
        replica.past.dropped.clear()
        feed.write(ACME, **changes)  # type: ignore[arg-type]
        replica.follow()
        assert (ACME in replica.past.dropped) is dropped


def test_a_question_as_of_then_goes_to_the_past(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """In one batch some may be of then and some of now; each gets its own answer."""
    questions = [replace(ANY, at_revision=revision) for revision in (1, 0, 3, 1)]
    results = replica.replica.search_each(ACME, questions, None)
    assert [each.revision for each in results] == [1, 4, 3, 1]
    assert [len(each.passages) for each in results] == [0, 2, 0, 0]
    replica.clock.now += 101
    with pytest.raises(Unavailable):
        replica.replica.search(ACME, questions[0], None)
