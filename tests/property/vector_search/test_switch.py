"""All replicas go over to the next generation at once, whatever happens to them and to their calls."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from services.kernel.errors import DomainError
from services.vector_search.domain.changes import Acknowledgement, SyncAnswer
from services.vector_search.domain.replica import Replica
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.vector_search_data import ACME, ReplicaUnderTest, Seconds, a_chunk, a_document, a_question

LEASE_SECONDS = 10.0
MARGIN_SECONDS = 0.5
# The one that everything happens to, and one that is well.
TROUBLED, WELL = 0, 1
ANY = a_question(text="words", limit=200)


class Drifting(Seconds):
    """A replica's clock: it began somewhere else and runs at its own rate."""

    def __init__(self, world: "World", offset: float, rate: float) -> None:
        super().__init__()
        self._world, self._offset, self._rate = world, offset, rate

    def __call__(self) -> float:
        """Return the replica's seconds."""
        return self._offset + self._world.now * self._rate


class SlowFeed(FakeChangeFeed):
    """The feed of one replica, whose calls take their time there and back, while the world goes on."""

    world: "World"
    there = back = 0.0

    def sync(
        self, acknowledged: Sequence[Acknowledgement], *, reset: bool, wait_seconds: float
    ) -> SyncAnswer:
        """Report after some time, and hear of it after some more."""
        self.world.pass_by(self.there)
        answer = super().sync(acknowledged, reset=reset, wait_seconds=wait_seconds)
        self.world.pass_by(self.back)
        return answer


class Step(NamedTuple):
    """The follower makes a step; a call that it makes takes so long each way."""

    there: float
    back: float


class Pass(NamedTuple):
    """Time passes."""

    seconds: float


class Restart(NamedTuple):
    """The replica is killed and started."""


class Cut(NamedTuple):
    """The feed stops answering, or answers again."""

    down: bool


class Delete(NamedTuple):
    """A document is deleted from both generations."""

    document: int


class Near(NamedTuple):
    """Time passes until shortly before or after the switch."""

    seconds: float


delays = st.sampled_from([0.0, 0.05, 0.9, 3.0])
actions = st.one_of(
    st.builds(Step, delays, delays),
    st.builds(Pass, st.sampled_from([0.01, 0.3, 1.0, 2.5, 9.0])),
    st.just(Restart()),
    st.builds(Cut, st.booleans()),
    st.builds(Delete, st.integers(0, 4)),
    st.builds(Near, st.sampled_from([-2.0, -0.9, -0.05, -0.001, 0.0, 0.001, 0.03, 0.8, 2.0])),
)


class World:
    """Two replicas, level in two generations, and true time."""

    def __init__(self, folder: Path, rates: Sequence[float]) -> None:
        self.now = 100.0
        # When the new generation was first seen.
        self.new_seen_at: float | None = None
        self.switch_at: float | None = None
        self.made = False
        self.deleted: dict[str, int] = {}
        self.feed = FakeChangeFeed(clock=lambda: self.now, lease_seconds=LEASE_SECONDS)
        self.feed.write(
            ACME,
            documents=[a_document(str(n)) for n in range(5)],
            chunks=[a_chunk(f"{n}", f"{n}") for n in range(5)],
        )
        self.feed.begin_reindex(ACME)
        self.feed.write(ACME, next_chunks=[a_chunk(f"{n}n", f"{n}") for n in range(5)])
        self.feeds = [self._feed_of_a_replica() for _ in (TROUBLED, WELL)]
        self.replicas: list[ReplicaUnderTest] = []
        for number, rate in enumerate(rates):
            clock = Drifting(self, 1000.0 * number, rate)
            self.replicas.append(ReplicaUnderTest(self.feeds[number], folder / str(number), clock=clock))
            for _ in range(6):
                self.replicas[-1].follower.step()

    def _feed_of_a_replica(self) -> SlowFeed:
        feed = SlowFeed(clock=self.feed.clock, lease_seconds=LEASE_SECONDS)
        feed.world = self
        feed._workspaces, feed._news, feed._all = self.feed._workspaces, self.feed._news, self.feed._all
        feed._all.append(feed)
        return feed

    def do(self, action: object) -> None:
        """Have something happen."""
        match action:
            case Step(there, back):
                feed = self.feeds[TROUBLED]
                feed.there, feed.back = there, back
                try:
                    self.replicas[TROUBLED].follower.step()
                except DomainError:
                    assert feed.down
            case Pass(seconds):
                self.pass_by(seconds)
            case Restart():
                self.replicas[TROUBLED].crash()
            case Cut(down):
                self.feeds[TROUBLED].down = down
            case Delete(document):
                self._delete(f"doc_{document}")
            case Near(seconds) if self.switch_at is not None:
                self.pass_by(max(0.0, self.switch_at + seconds - self.now))
        self.look()

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and look at the replicas meanwhile."""
        for _ in range(3 if seconds else 1):
            self.now += seconds / 3
            if not self.made and self.switch_at is not None and self.now >= self.switch_at + MARGIN_SECONDS:
                self.made = True
                self.feed.make_switch(ACME)
            if seconds:
                self.replicas[WELL].follower.step()
            self.look()

    def look(self) -> None:
        """Ask every replica; once one has answered from the new generation, none may from the old one."""
        for replica in self.replicas:
            impatient = Replica(replica.workspaces, replica.past, replica.lease, lambda: nullcontext(False))
            try:
                result = impatient.search(ACME, ANY, None)
            except DomainError:
                continue
            new = result.generation == 2
            assert new or self.new_seen_at is None, f"old at {self.now}, new at {self.new_seen_at}"
            if new and self.new_seen_at is None:
                assert self.switch_at is not None
                assert self.now >= self.switch_at
                self.new_seen_at = self.now
            found = {each.document_id for each in result.passages}
            gone = {name for name, revision in self.deleted.items() if revision <= result.revision}
            assert found.isdisjoint(gone)
            assert all(each.chunk_id.endswith("n") is new for each in result.passages)

    def set_switch(self) -> None:
        """Have knowledge say when."""
        seconds = LEASE_SECONDS + MARGIN_SECONDS
        self.switch_at = self.now + seconds
        self.feed.set_switch(ACME, seconds)

    def settle(self) -> None:
        """Have all go well from now on."""
        self.feeds[TROUBLED].down = False
        while not self.made:
            self.do(Step(0.001, 0.001))
            self.do(Pass(2.5))
        for _ in range(12):
            self.do(Step(0.001, 0.001))

    def _delete(self, document_id: str) -> None:
        if document_id not in self.deleted:
            self.deleted[document_id] = self.feed.write(ACME, deleted_documents=[document_id])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(actions, max_size=6),
    st.lists(actions, max_size=25),
    st.lists(st.sampled_from([1.0, 0.9996, 1.0004]), min_size=2, max_size=2),
)
def test_nobody_answers_from_the_old_after_anybody_did_from_the_new(
    before: Sequence[object], after: Sequence[object], rates: Sequence[float]
) -> None:
    """At every interleaving of reports, delays, lost leases and restarts; and all get there in the end."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder), rates)
        for each in before:
            world.do(each)
        world.set_switch()
        for each in after:
            world.do(each)
        world.settle()
        for replica in world.replicas:
            result = replica.replica.search(ACME, ANY, None)
            assert result.generation == 2
            assert {each.document_id for each in result.passages} == {
                f"doc_{n}" for n in range(5)
            } - world.deleted.keys()
            replica.workspaces.maintain()
            assert [path.name[0] for path in replica.folder.glob("workspaces/*/*.sqlite")] == ["2"]
            replica.stop()
