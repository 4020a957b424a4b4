"""A workspace whose callers insist, whose processes die at any commit, and what must be true in the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from services.knowledge.domain.batch import Proposed
from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.document import ContentType, DocumentId, Patch, Status
from services.knowledge.domain.draft import draft
from services.knowledge.domain.erasing import EraseDeleted
from services.knowledge.domain.errors import (
    IndexingFailed,
)
from services.knowledge.domain.forgetting import OPERATIONS_KEPT, Forgetting
from services.knowledge.domain.operation import Operation
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.knowledge.domain.ports.documents import ListFilters
from services.knowledge.domain.ports.store import Store
from services.knowledge.domain.pruning import PruneVersions
from services.knowledge.domain.track_operations import TrackOperations
from services.knowledge.extraction.extractor import extract
from tests.contracts.knowledge.feed_follower import Follower
from tests.contracts.knowledge.insisting import Action, insisting
from tests.contracts.knowledge.search_replica import SearchReplica
from tests.contracts.knowledge.workshop import CLAIM_SECONDS, WORKSPACE, Workshop, page
from tests.fakes.kept_answers import FakeKeptAnswers

_ENOUGH = 80


@dataclass
class World:
    """What was written, and the processes around it."""

    workshop: Workshop
    # The text of each document, by external id.
    written: dict[str, str] = field(default_factory=dict)
    # Documents with this word fail.
    unreadable: str = ""
    live: int = 1
    _requests: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.replicas = [SearchReplica(self.workshop, name) for name in ("replica-1", "replica-2")][
            : self.live
        ]
        self.answers = FakeKeptAnswers()
        for each in self.replicas:
            each.step()

    # What callers ask for: each may be repeated with the same outcome.

    def create(self, name: str, text: str) -> Action:
        """Create a document, with a key."""
        request = self._request("create")

        def act(store: Store) -> None:
            said = draft(page(name, text))
            self.workshop.writer(store).create(WORKSPACE, said, request, lambda _: b"made")
            self.written[name] = text

        return act

    def put(self, name: str, text: str) -> Action:
        """Create or replace a document."""

        def act(store: Store) -> None:
            self.workshop.writer(store).put(WORKSPACE, draft(page(name, text)), "")
            self.written[name] = text

        return act

    def push(self, **texts: str) -> Action:
        """Create or replace several."""
        request = self._request("push")

        def act(store: Store) -> None:
            documents = [Proposed(name, draft(page(name, text))) for name, text in texts.items()]
            self.workshop.writer(store).batch(WORKSPACE, documents, request, lambda _: b"begun")
            self.written |= texts

        return act

    def patch(self, name: str, tags: tuple[str, ...]) -> Action:
        """Change what is filtered by."""
        document_id = self._id(name)

        def act(store: Store) -> None:
            self.workshop.writer(store).patch(WORKSPACE, document_id, Patch(tags=tags), "")

        return act

    def delete(self, name: str) -> Action:
        """Delete a document."""

        def act(store: Store) -> None:
            self.workshop.writer(store).delete_by_external_id(WORKSPACE, name, "")
            del self.written[name]

        def done(store: Store) -> None:
            sure(store)
            self.written.pop(name, None)

        sure = insisting(act)
        return done

    def reindex(self, *names: str) -> Action:
        """Begin a re-index of everything or of some documents."""
        request, ids = self._request("reindex"), [self._id(name) for name in names]

        def act(store: Store) -> None:
            reindexing = self.workshop.reindexer(self.workshop.embedder, store)
            reindexing.start(WORKSPACE, ids, request, lambda _: b"begun")

        return insisting(act)

    def roll_back(self) -> Action:
        """Begin to go back."""
        request = self._request("rollback")

        def act(store: Store) -> None:
            reindexing = self.workshop.reindexer(self.workshop.embedder, store)
            reindexing.roll_back(WORKSPACE, request, lambda _: b"begun")

        return insisting(act)

    def cancel(self) -> Action:
        """Cancel the newest operation."""
        newest = self.operations()[0]

        def act(store: Store) -> None:
            TrackOperations(store, self.workshop.clock).cancel(WORKSPACE, newest.id)

        return insisting(act)

    def retry(self) -> Action:
        """Retry the newest operation of which something failed."""
        request = self._request("retry")
        failed = next(each for each in self.operations() if each.counts.failed)

        def act(store: Store) -> None:
            track = TrackOperations(store, self.workshop.clock)
            track.retry(WORKSPACE, failed.id, request, lambda _: b"begun")

        return insisting(act)

    # What processes do.

    def index(self, store: Store) -> None:
        """Index what can be had, as a new indexer; the claims of dead ones have lapsed."""
        self.workshop.clock.advance(CLAIM_SECONDS + 1)
        indexer = self.workshop.indexer(f"idx_{next(self._requests)}", store=store, extract=self._extract)
        while indexer.run(3, lambda: False):
            pass

    def follow(self, store: Store) -> None:
        """The replicas follow, and report to a server process."""
        before, self.workshop.follow = self.workshop.follow, self.workshop.follower(store)
        try:
            for each in self.replicas:
                each.step()
        finally:
            self.workshop.follow = before

    def advance(self, store: Store, seconds: float = 1.0) -> None:
        """Some time passes, and the server's background work has its turn."""
        self.workshop.clock.advance(seconds)
        self.workshop.follower(store).settle()
        switching = self.workshop.switcher(store)
        switching.advance()
        switching.clear()

    def erase(self, store: Store) -> None:
        """See deletions through as far as they go."""
        EraseDeleted(store, self.workshop.clock, self.answers).run()

    def switch(self, store: Store) -> None:
        """What a re-index that is whole needs until its switch is made, and a bit more."""
        for _ in range(6):
            self.follow(store)
            self.advance(store, 4.0)

    def prune(self, store: Store) -> None:
        """Forget the versions of before."""
        prune = PruneVersions(store, self.workshop.clock, timedelta(0))
        while prune.run():
            pass

    def age(self, store: Store) -> None:
        """So much time passes that what has ended is kept no longer; the replicas live on."""
        self.workshop.clock.advance((OPERATIONS_KEPT + timedelta(days=1)).total_seconds())
        self.follow(store)

    def forget(self, store: Store) -> None:
        """Forget operations that have ended and tombstones."""
        forgetting = Forgetting(store, self.workshop.clock)
        while forgetting.run():
            pass

    def given(self, act: Action) -> Action:
        """Do something beforehand, when nobody dies."""
        return lambda _: act(self.workshop.store)

    def work(self, store: Store) -> None:
        """All processes do all there is to do, until every operation has ended."""
        for _ in range(_ENOUGH):
            if self.workshop.read.index(WORKSPACE).pending or self.running():
                self.index(store)
            self.follow(store)
            # Less than a lease, and more than half the time until a switch.
            self.advance(store, 6.0)
            self.erase(store)
            if self.is_calm():
                return
        raise AssertionError(f"it never ends: {self.running()}")

    # What is true.

    def operations(self) -> list[Operation]:
        """All operations, newest first."""
        return list(self.workshop.operations.page(WORKSPACE, 200, "").items)

    def running(self) -> list[Operation]:
        """Those that have not ended."""
        return [each for each in self.operations() if each.finished_at is None]

    def is_calm(self) -> bool:
        """Whether nothing is left to do."""
        with self.workshop.store.read() as tx:
            busy = tx.bases.reindexing() or tx.reindexes.discarded() or tx.deletions.waiting()
        return not busy and not self.running() and self.workshop.read.index(WORKSPACE).pending == 0

    def require_truth(self) -> None:
        """Every acknowledged write can be found, once; nothing else can; nothing is left running."""
        assert self.is_calm(), self.running()
        items = self.workshop.read.page(WORKSPACE, ListFilters(), 200, "").items
        states = {each.document.description.external_id: each.document.status for each in items}
        assert len(states) == len(items)
        assert states == dict.fromkeys(self.written, Status.INDEXED)
        with self.workshop.store.read() as tx:
            base, stock = tx.bases.get(WORKSPACE), tx.stocks.get(WORKSPACE)
        held = sum(each.document.bytes for each in items)
        assert (stock.documents, stock.bytes) == (len(items), held)
        late = Follower(WORKSPACE, base.serving.number)
        late.catch_up(self.workshop)
        _, chunks = late.state()
        assert isinstance(chunks, dict)
        texts = sorted(each.text for each in chunks.values())
        assert texts == sorted(self.written.values())
        for each in self.replicas:
            each.step()
            assert each.generation == base.serving.number
            assert each.found() == texts
            assert each.files[each.generation].state() == late.state()

    def _extract(self, content: bytes, content_type: ContentType) -> Sequence[Block]:
        if self.unreadable and self.unreadable.encode() in content:
            raise IndexingFailed("EXTRACTION_FAILED", "It can't be read.")
        return extract(content, content_type)

    def _request(self, method: str) -> IdempotentRequest:
        return IdempotentRequest("key", method, f"{method}-{next(self._requests)}", "hash")

    def _id(self, name: str) -> DocumentId:
        found = self.workshop.read.page(WORKSPACE, ListFilters(external_id=name), 1, "").items
        return found[0].document.id
