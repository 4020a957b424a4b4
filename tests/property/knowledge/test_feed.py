"""Any sequence of writes, re-indexes, crashes, syncs and pauses, against a model in a dictionary."""

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.knowledge.domain.document import DocumentId, Patch, Status
from services.knowledge.domain.errors import NoPreviousGeneration, OperationFinished, ReindexRunning
from services.knowledge.domain.operation import Operation
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.ports.documents import ListFilters
from tests.contracts.knowledge.feed_follower import Follower
from tests.contracts.knowledge.fleet import Fleet
from tests.contracts.knowledge.search_replica import NotServing, SearchReplica
from tests.contracts.knowledge.workshop import CLAIM_SECONDS, WORKSPACE, Workshop, page
from tests.fakes.failing_embedder import InterruptedEmbedder, Killed

_names = st.sampled_from(["a", "b", "c"])
_texts = st.sampled_from(["", "One.", "Two.", "Three."])
_tags = st.sampled_from([(), ("x",), ("x", "y")])
_replicas = st.sampled_from([0, 1])
_ENDED = {OperationStatus.SUCCEEDED, OperationStatus.CANCELLED}


class KnowledgeBase(RuleBasedStateMachine):
    """What callers wrote, beside what replicas that follow serve."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._workshop = Workshop(f"sqlite:///{Path(self._folder.name) / 'k.db'}")
        self._written: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._deletions: dict[DocumentId, Operation] = {}
        self._reindexes: list[Operation] = []
        self._fleet = Fleet(self._workshop)

    @rule(name=_names, text=_texts, tags=_tags)
    def push(self, name: str, text: str, tags: tuple[str, ...]) -> None:
        """Create or replace."""
        self._workshop.push(page(name, text, tags=tags))
        self._written[name] = (text, tags)

    @rule(name=_names, tags=_tags)
    def patch(self, name: str, tags: tuple[str, ...]) -> None:
        """Change filters."""
        if name in self._written:
            document_id = self._document_id(name)
            self._workshop.write.patch(WORKSPACE, document_id, Patch(tags=tags), "")
            self._written[name] = (self._written[name][0], tags)

    @rule(name=_names)
    def delete(self, name: str) -> None:
        """Delete."""
        if self._written.pop(name, None) is not None:
            document_id = self._document_id(name)
            self._deletions[document_id] = self._workshop.write.delete(WORKSPACE, document_id, "")

    @rule(limit=st.integers(1, 3))
    def index(self, limit: int) -> None:
        """Index some."""
        self._workshop.index(limit)

    @rule()
    def index_and_die(self) -> None:
        """Claim and be killed."""
        indexer = self._workshop.indexer("dead", embedder=InterruptedEmbedder(_die))
        try:
            indexer.run(2, lambda: False)
        except Killed:
            self._workshop.clock.advance(CLAIM_SECONDS + 1)

    @rule(replica=_replicas)
    def follow(self, replica: int) -> None:
        """Catch up and acknowledge."""
        self._fleet.replicas[replica].step()

    @rule(replica=_replicas)
    def report(self, replica: int) -> None:
        """Keep the lease, and no more."""
        self._fleet.replicas[replica].report()

    @rule(replica=_replicas)
    def restart(self, replica: int) -> None:
        """Lose what is in a replica's memory."""
        self._fleet.replicas[replica].restart()

    @rule(seconds=st.sampled_from([1, 5, 12]))
    def wait(self, seconds: int) -> None:
        """Let leases and claims lapse."""
        self._workshop.clock.advance(seconds)

    @rule(back=st.booleans())
    def reindex(self, back: bool) -> None:
        """Begin a re-index or a rollback, if one can begin."""
        begin = self._workshop.roll_back if back else self._workshop.reindex
        with suppress(ReindexRunning, NoPreviousGeneration):
            self._reindexes.append(begin())

    @rule()
    def cancel(self) -> None:
        """Give up the newest re-index, if it can still be given up."""
        with suppress(OperationFinished):
            if self._reindexes:
                self._workshop.operations.cancel(WORKSPACE, self._reindexes[-1].id)

    @rule()
    def work(self) -> None:
        """Do what a server does beside requests."""
        self._workshop.follow.settle()
        self._workshop.switching.advance()
        self._workshop.switching.clear()
        self._workshop.erasing.run()

    @rule()
    def all_goes_well(self) -> None:
        """All is indexed and confirmed, and some time passes."""
        self._fleet.settle()
        self.work()
        self._fleet.pass_time(4)

    @invariant()
    def replicas_serve_one_generation(self) -> None:
        """At no instant do two replicas answer from different generations."""
        assert len({each for each in self._served() if each is not None}) <= 1

    @invariant()
    def indexed_documents_are_found(self) -> None:
        """What is `indexed` is served as it was written, whatever happens later; what is deleted is not."""
        items = self._workshop.read.page(WORKSPACE, ListFilters(status="indexed"), 50, "").items
        gone = [each for each, operation in self._deletions.items() if self._ended(operation)]
        for replica, generation in zip(self._fleet.replicas, self._served(), strict=True):
            if generation is None:
                continue
            texts = replica.texts()
            for shown in items:
                text, _ = self._written[shown.document.description.external_id]
                assert texts.get(shown.document.id) == ([text] if text else [])
            assert not set(gone) & set(texts)

    def teardown(self) -> None:
        """In the end everything is true."""
        for _ in range(3):
            self._workshop.clock.advance(CLAIM_SECONDS + 1)
            self._fleet.finish()
            self.work()
        items = self._workshop.read.page(WORKSPACE, ListFilters(), 50, "").items
        names = {each.document.id: each.document.description.external_id for each in items}
        assert {each.document.status for each in items} <= {Status.INDEXED}
        assert set(names.values()) == set(self._written)
        index = self._workshop.read.index(WORKSPACE)
        generation = index.generation
        for replica in self._fleet.replicas if index.revision else ():
            assert replica.generation == generation
            file = replica.files[generation]
            assert {names[each]: change.tags for each, change in file.documents.items()} == {
                name: tags for name, (_, tags) in self._written.items()
            }
            texts = {names[chunk.document_id]: chunk.text for chunk in file.chunks.values()}
            assert texts == {name: text for name, (text, _) in self._written.items() if text}
            late = Follower(WORKSPACE, generation)
            late.catch_up(self._workshop)
            assert late.state() == file.state()
        operations = self._workshop.operations.page(WORKSPACE, 200, "").items
        assert {each.status for each in operations} <= _ENDED
        assert all(each.status is OperationStatus.SUCCEEDED or each.generation for each in operations)
        self._workshop.store.close()
        self._folder.cleanup()

    def _served(self) -> list[int | None]:
        return [_generation(each) for each in self._fleet.replicas]

    def _ended(self, operation: Operation) -> bool:
        return self._fleet.now(operation).status is OperationStatus.SUCCEEDED

    def _document_id(self, name: str) -> DocumentId:
        filters = ListFilters(external_id=name)
        return self._workshop.read.page(WORKSPACE, filters, 1, "").items[0].document.id


def _generation(replica: SearchReplica) -> int | None:
    try:
        return replica.generation
    except NotServing:
        return None


def _die() -> None:
    raise Killed


def test_any_history_ends_true() -> None:
    """Whatever the order of events: what was written is found, nothing else is, no operation is left open."""
    run_state_machine_as_test(
        KnowledgeBase, settings=settings(max_examples=25, stateful_step_count=30, deadline=None)
    )
