"""Any sequence of writes, crashes and syncs, against a model in a dictionary."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.knowledge.domain.document import DocumentId, Patch, Status
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.ports.documents import ListFilters
from tests.contracts.knowledge.feed_follower import Follower
from tests.contracts.knowledge.workshop import CLAIM_SECONDS, WORKSPACE, Workshop, page
from tests.fakes.failing_embedder import InterruptedEmbedder, Killed

_names = st.sampled_from(["a", "b", "c"])
_texts = st.sampled_from(["", "One.", "Two.", "Three."])
_tags = st.sampled_from([(), ("x",), ("x", "y")])


class KnowledgeBase(RuleBasedStateMachine):
    """What callers wrote, beside what a replica that follows has."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._workshop = Workshop(f"sqlite:///{Path(self._folder.name) / 'k.db'}")
        self._written: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._follower = Follower(WORKSPACE)

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
            self._workshop.write.delete_by_external_id(WORKSPACE, name, "")

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

    @rule()
    def follow(self) -> None:
        """Catch up and acknowledge."""
        self._follower.catch_up(self._workshop)
        self._workshop.sync((WORKSPACE, self._follower.revision))

    @invariant()
    def indexed_documents_are_found(self) -> None:
        """What is `indexed` is in the replica as it was written, whatever happens later."""
        items = self._workshop.read.page(WORKSPACE, ListFilters(status="indexed"), 50, "").items
        for shown in items:
            text, _ = self._written[shown.document.description.external_id]
            found = [c.text for c in self._follower.chunks.values() if c.document_id == shown.document.id]
            assert found == ([text] if text else [])

    def teardown(self) -> None:
        """In the end everything is true."""
        while self._workshop.index():
            pass
        self.follow()
        items = self._workshop.read.page(WORKSPACE, ListFilters(), 50, "").items
        names = {each.document.id: each.document.description.external_id for each in items}
        assert {each.document.status for each in items} <= {Status.INDEXED}
        assert set(names.values()) == set(self._written)
        assert {names[each]: change.tags for each, change in self._follower.documents.items()} == {
            name: tags for name, (_, tags) in self._written.items()
        }
        texts = {names[chunk.document_id]: chunk.text for chunk in self._follower.chunks.values()}
        assert texts == {name: text for name, (text, _) in self._written.items() if text}
        late = Follower(WORKSPACE)
        late.catch_up(self._workshop)
        assert late.state() == self._follower.state()
        operations = self._workshop.operations.page(WORKSPACE, 200, "").items
        assert {each.status for each in operations} <= {OperationStatus.SUCCEEDED}
        self._workshop.store.close()
        self._folder.cleanup()

    def _document_id(self, name: str) -> DocumentId:
        filters = ListFilters(external_id=name)
        return self._workshop.read.page(WORKSPACE, filters, 1, "").items[0].document.id


def _die() -> None:
    raise Killed


def test_any_history_ends_true() -> None:
    """Whatever the order of events: what was written is found, nothing else is, no operation is left open."""
    run_state_machine_as_test(
        KnowledgeBase, settings=settings(max_examples=25, stateful_step_count=20, deadline=None)
    )
