"""A process that dies at any transaction, before or after its commit, loses and doubles nothing."""

from collections.abc import Callable
from itertools import count

import pytest

from services.knowledge.domain.document import Status
from services.knowledge.domain.draft import draft
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.ports.documents import ListFilters
from services.knowledge.domain.ports.store import Store
from services.knowledge.domain.queue import IndexerId
from tests.contracts.knowledge.feed_follower import Follower
from tests.contracts.knowledge.workshop import CLAIM_SECONDS, WORKSPACE, Workshop, page
from tests.fakes.crashing_store import CrashingStore
from tests.fakes.failing_embedder import Killed

CONTENTS = {f"p{n}": f"Text {n}." for n in range(4)}


def survived(step: Callable[[Store], None], store: Store, last: int, *, committed: bool) -> bool:
    """Run a step that dies at its `last` write; return whether it never came to that."""
    try:
        step(CrashingStore(store, last, committed=committed))
    except Killed:
        return False
    return True


@pytest.mark.parametrize("committed", [False, True])
def test_indexer_dies_at_any_commit(workshop: Workshop, committed: bool) -> None:
    """Whatever an indexer dies at, the next one ends it: each document is there once."""
    for last in count(1):
        workshop.push(*(page(name, f"{text} Round {last}.") for name, text in CONTENTS.items()))

        def index(store: Store, name: str = f"idx_{last}") -> None:
            indexer = workshop.indexer(name, store=store)
            while indexer.run(3, lambda: False):
                pass

        done = survived(index, workshop.store, last, committed=committed)
        workshop.clock.advance(CLAIM_SECONDS + 1)
        while workshop.index():
            pass
        workshop.settle()
        follower = Follower(WORKSPACE)
        follower.catch_up(workshop)
        texts = sorted(chunk.text for chunk in follower.chunks.values())
        assert texts == sorted(f"{text} Round {last}." for text in CONTENTS.values())
        assert len(follower.documents) == len(CONTENTS)
        states = {each.document.status for each in workshop.read.page(WORKSPACE, ListFilters(), 50, "").items}
        assert states == {Status.INDEXED}
        operations = workshop.operations.page(WORKSPACE, 50, "").items
        assert {each.status for each in operations} == {OperationStatus.SUCCEEDED}
        if done:
            assert last > 4
            return


@pytest.mark.parametrize("committed", [False, True])
def test_server_dies_at_a_write(workshop: Workshop, committed: bool) -> None:
    """A write that was not acknowledged is there whole or not at all, and can be sent again."""
    for name in CONTENTS:

        def put(store: Store, name: str = name) -> None:
            workshop.writer(store).put(WORKSPACE, draft(page(name)), "")

        assert not survived(put, workshop.store, 1, committed=committed)
        items = workshop.read.page(WORKSPACE, ListFilters(external_id=name), 50, "").items
        assert len(items) == int(committed)
        put(workshop.store)
    assert workshop.index() == len(CONTENTS)
    workshop.settle()
    assert workshop.read.index(WORKSPACE).pending == 0


@pytest.mark.parametrize("committed", [False, True])
def test_server_dies_while_it_settles(workshop: Workshop, committed: bool) -> None:
    """An acknowledgement that was taken but not acted on is acted on after the restart."""
    document = workshop.create(page("a"))
    workshop.index()
    replica = workshop.replica((WORKSPACE, workshop.changes().head_revision))

    def sync(store: Store) -> None:
        workshop.follower(store).sync(replica, 0)

    for last in (1, 2):
        assert not survived(sync, workshop.store, last, committed=committed)
    sync(workshop.store)
    assert workshop.document(document.id).status is Status.INDEXED


def test_claim_of_the_dead_is_no_claim(workshop: Workshop) -> None:
    """An indexer of the same name that starts anew has nothing of what its forerunner had."""
    workshop.create()
    now = workshop.clock.now()
    with workshop.store.write() as tx:
        (old,) = tx.queue.claim(IndexerId("idx"), "fake-bag-of-words", 1, now, now)
    workshop.clock.advance(1)
    with workshop.store.write() as tx:
        (new,) = tx.queue.claim(IndexerId("idx"), "fake-bag-of-words", 1, workshop.clock.now(), now)
    assert new.fence > old.fence
    assert (old.lapses, new.lapses) == (0, 1)
