"""A process that dies at any transaction, before or after its commit, loses and doubles nothing."""

import os
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from services.knowledge.domain.operation import Status as Outcome
from services.knowledge.domain.queue import IndexerId
from tests.contracts.knowledge.crash_world import World
from tests.contracts.knowledge.insisting import Action, run
from tests.contracts.knowledge.workshop import WORKSPACE, Workshop
from tests.fakes.crashing_store import CrashingStore

Story = Callable[[World, int], Iterator[Action]]
# `make faults` takes its time.
THOROUGH = int(os.environ.get("FAULT_ROUNDS", "1")) > 1


def writing(world: World, number: int) -> Iterator[Action]:
    """Documents are created, replaced, changed and indexed."""
    yield world.create(f"a{number}", f"One {number}.")
    yield world.push(b=f"Two {number}.", c=f"Three {number}.")
    yield world.index
    yield world.follow
    yield world.put("b", f"Two and a half {number}.")
    yield world.patch("c", (f"t{number}",))
    yield world.index
    yield world.follow
    yield world.advance
    yield world.delete(f"a{number}")


def deleting(world: World, number: int) -> Iterator[Action]:
    """Documents are deleted: one that can be found, and one that was never indexed."""
    yield world.given(world.put("seen", f"Seen {number}."))
    yield world.given(world.work)
    yield world.put("unseen", f"Unseen {number}.")
    yield world.delete("unseen")
    yield world.delete("seen")
    for _ in range(3):
        yield world.follow
        yield world.erase
    yield world.advance


def reindexing(world: World, number: int) -> Iterator[Action]:
    """An index is made anew while documents are written, changed and deleted, up to the switch and beyond."""
    yield world.given(world.push(a=f"One {number}.", b="Two.", c="Three."))
    yield world.given(world.work)
    yield world.reindex()
    yield world.put("a", f"One and a half {number}.")
    yield world.delete("b")
    yield world.put("d", f"Four {number}.")
    yield world.index
    yield world.switch
    yield world.put("a", f"Nearly two {number}.")
    yield world.delete("c")


def rolling_back(world: World, number: int) -> Iterator[Action]:
    """The generation before comes back, with what was written since."""
    yield world.given(world.push(a=f"One {number}.", b=f"Two {number}.", c="Three."))
    yield world.given(world.work)
    yield world.given(world.reindex())
    yield world.given(world.work)
    yield world.given(world.put("a", f"One and a half {number}."))
    yield world.given(world.delete("b"))
    yield world.given(world.work)
    yield world.roll_back()
    yield world.put("c", f"Three and a half {number}.")
    yield world.index
    yield world.switch


def giving_up(world: World, number: int) -> Iterator[Action]:
    """A re-index is called off half-way."""
    yield world.given(world.push(a="One.", b="Two.", c="Three.", d="Four."))
    yield world.given(world.work)
    yield world.reindex()
    yield world.index
    yield world.follow
    yield world.cancel()
    yield world.put("a", f"One {number}.")
    yield world.follow
    yield world.advance


def refusing(world: World, number: int) -> Iterator[Action]:
    """A re-index that would lose a document ends by itself, and the old index serves on."""
    yield world.given(world.push(a="One.", b=f"Unreadable {number}."))
    yield world.given(world.work)
    yield lambda _: setattr(world, "unreadable", "Unreadable")
    yield world.reindex()
    yield world.index
    for _ in range(4):
        yield world.follow
        yield world.advance
    yield lambda _: setattr(world, "unreadable", "")


def retrying(world: World, number: int) -> Iterator[Action]:
    """What failed is tried again."""
    yield lambda _: setattr(world, "unreadable", "Unreadable")
    yield world.push(a=f"One {number}.", b=f"Unreadable {number}.")
    yield world.index
    yield world.follow
    yield lambda _: setattr(world, "unreadable", "")
    yield world.retry()
    yield world.index
    yield world.follow


def making_anew(world: World, number: int) -> Iterator[Action]:
    """Single documents are embedded anew where they are."""
    yield world.given(world.push(a=f"One {number}.", b="Two."))
    yield world.given(world.work)
    yield world.reindex("a", "b")
    yield world.index
    yield world.follow
    yield world.advance


def pruning(world: World, number: int) -> Iterator[Action]:
    """Versions, operations that have ended and tombstones are forgotten."""
    yield world.given(world.put("a", f"One {number}."))
    yield world.given(world.put("b", f"Two {number}."))
    yield world.given(world.work)
    yield world.put("a", f"One and a half {number}.")
    yield world.index
    yield world.follow
    yield world.given(world.delete("b"))
    yield world.given(world.work)
    yield world.prune
    yield world.given(world.age)
    yield world.forget


STORIES: list[Story] = [
    writing,
    deleting,
    reindexing,
    rolling_back,
    giving_up,
    refusing,
    retrying,
    making_anew,
    pruning,
]
SWITCHES = [reindexing, rolling_back]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("committed", [False, True] if THOROUGH else [True])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_whatever_dies_the_rest_ends_it(workshop: Workshop, story: Story, committed: bool) -> None:
    """
    At each commit of a story the process dies; who asked insists, and the others see it through.

    Dying before a commit leaves in the database what dying after the one before it does: only the long run
    does both. On PostgreSQL the short one dies at every fifth.
    """
    world = World(workshop, live=2 if story in SWITCHES else 1)
    for last in count(1, 5 if workshop.url.startswith("postgresql") and not THOROUGH else 1):
        mortal = CrashingStore(workshop.store, last, committed=committed)
        survived = run(story(world, last), mortal, workshop.store)
        world.work(workshop.store)
        world.require_truth()
        if survived:
            assert last > 3
            return


@pytest.mark.parametrize("story", SWITCHES, ids=lambda story: story.__name__)
def test_the_stories_of_switches_come_to_the_switch(workshop: Workshop, story: Story) -> None:
    """Without a crash these stories end with their switch made."""
    world = World(workshop)
    run(story(world, 1), workshop.store, workshop.store)
    makes = [each for each in world.operations() if each.generation is not None]
    assert {each.status for each in makes} == {Outcome.SUCCEEDED}
    with workshop.store.read() as tx:
        assert tx.bases.get(WORKSPACE).serving.number == (2 if story is reindexing else 1)


def test_the_refusal_is_one(workshop: Workshop) -> None:
    """The story of a refused re-index ends with one that failed, and with all documents as they were."""
    world = World(workshop)
    run(refusing(world, 1), workshop.store, workshop.store)
    (refused,) = (each for each in world.operations() if each.generation is not None)
    assert refused.status is Outcome.FAILED
    world.require_truth()


def test_claim_of_the_dead_is_no_claim(workshop: Workshop) -> None:
    """An indexer of the same name that starts anew has nothing of what its forerunner had."""
    workshop.create()
    now = workshop.clock.now()
    with workshop.store.write() as tx:
        (old,) = tx.queue.claim(IndexerId("idx"), ["fake-bag-of-words"], 1, now, now)
    workshop.clock.advance(1)
    with workshop.store.write() as tx:
        (new,) = tx.queue.claim(IndexerId("idx"), ["fake-bag-of-words"], 1, workshop.clock.now(), now)
    assert new.fence > old.fence
    assert (old.lapses, new.lapses) == (0, 1)


def test_unacknowledged_write_is_whole_or_not_there(workshop: Workshop) -> None:
    """A write whose process dies at its commit is there or not, and its repetition makes it once."""
    world = World(workshop)
    for number, committed in enumerate((False, True)):
        mortal = CrashingStore(workshop.store, 1, committed=committed)
        run(iter([world.create(f"p{number}", f"Text {number}.")]), mortal, workshop.store)
        assert workshop.read.index(WORKSPACE).documents == number + 1
    world.work(workshop.store)
    world.require_truth()
