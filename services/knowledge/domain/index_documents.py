"""Indexing: from claimed documents to passages with vectors in the change feed."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from services.embedding.domain.embedders import Embedders
from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.domain.indexing.committing import Committing
from services.knowledge.domain.indexing.embedding import EMBED_AT_ONCE, embed
from services.knowledge.domain.indexing.hand import Hand
from services.knowledge.domain.indexing.journal import Journal
from services.knowledge.domain.indexing.preparing import Extract, Preparing
from services.knowledge.domain.indexing.work import Work
from services.knowledge.domain.ports.queue import FIRST_WORKSPACE
from services.knowledge.domain.ports.store import Store
from services.knowledge.domain.queue import CRASHED, MAX_LAPSES, Claim, IndexerId


class IndexDocuments:
    """
    Works off the queue, in steps: claim, prepare, embed, commit. Any number of processes.

    Each step may have a thread of its own, which hands on what it has done; a claim is in one step at a time.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        embedders: Embedders,
        extract: Extract,
        journal: Journal,
        owner: IndexerId,
        claim_seconds: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._models = embedders.models
        self._owner = owner
        self._claim_seconds = claim_seconds
        self._hand = Hand()
        self._preparing = Preparing(store, embedders, extract)
        self._committing = Committing(store, clock, journal, owner, self._hand)
        # Whose turn it was last.
        self._turn = FIRST_WORKSPACE

    def run(self, limit: int, stopping: Callable[[], bool]) -> int:
        """
        Index at most `limit` documents of those that wait, one step after the other; return how many.

        When `stopping` says so, what is not done is given back.
        """
        self._hand.empty()
        claims = self.claim(limit)
        ready: list[Work] = []
        for claim in claims:
            work = None if stopping() else self.prepare(claim)
            if work is not None:
                ready.append(work)
            if sum(each.texts for each in ready) >= EMBED_AT_ONCE:
                self._finish(ready, stopping)
                ready = []
        self._finish(ready, stopping)
        self.give_back()
        return len(claims)

    def claim(self, limit: int) -> list[Claim]:
        """Claim at most `limit` documents, workspaces in turn."""
        now = self._clock.now()
        with self._store.read() as tx:
            if not tx.queue.waits(self._models, now):
                return []
        with self._store.write() as tx:
            until = now + timedelta(seconds=self._claim_seconds)
            claims = tx.queue.claim(self._owner, self._models, limit, now, until, self._turn)
        if claims:
            self._turn = claims[-1].workspace_id
        self._hand.take(claims)
        return claims

    def prepare(self, claim: Claim) -> Work | None:
        """Cut a document into chunks; None when its way ends here."""
        try:
            if claim.lapses > MAX_LAPSES:
                raise IndexingFailed(CRASHED.code, CRASHED.detail)
            return self._preparing.work(claim)
        except Exception as error:
            self._committing.went_wrong(claim, error)
            return None

    def embed(self, works: Sequence[Work], stopping: Callable[[], bool]) -> bool:
        """Embed what is missing of documents together; return False when told to stop before the end."""
        return embed(works, stopping)

    def commit(self, work: Work) -> None:
        """Write a document's passages."""
        self._committing.commit(work)

    @property
    def in_hand(self) -> int:
        """How many documents are claimed and neither done nor given back."""
        return len(self._hand.claims)

    def give_back(self, claims: Sequence[Claim] | None = None) -> None:
        """Let whoever comes next have these, or all that is in hand."""
        for claim in self._hand.claims if claims is None else claims:
            self._committing.give_back(claim)

    def drop(self, claim: Claim) -> None:
        """Let go of a claim after an unforeseen error: it lapses, and the document comes again."""
        self._hand.drop(claim)

    def renew(self) -> None:
        """Keep what is being worked on; to be called well within `claim_seconds`, from another thread."""
        claims = self._hand.claims
        if claims:
            until = self._clock.now() + timedelta(seconds=self._claim_seconds)
            with self._store.write() as tx:
                tx.queue.renew(self._owner, claims, until)

    def left_alone(self) -> list[WorkspaceId]:
        """Return where documents wait for models that this indexer does not have."""
        with self._store.read() as tx:
            return tx.queue.left_alone(self._models, self._clock.now())

    def _finish(self, ready: Sequence[Work], stopping: Callable[[], bool]) -> None:
        if self.embed(ready, stopping):
            for work in ready:
                self.commit(work)
