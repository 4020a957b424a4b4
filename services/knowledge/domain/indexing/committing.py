"""From passages with vectors to the change feed; and what becomes of a document otherwise."""

from datetime import timedelta

from services.kernel.clock import Clock
from services.kernel.errors import Unavailable
from services.knowledge.domain.document import Failure, Status
from services.knowledge.domain.errors import ClaimLost, IndexingFailed
from services.knowledge.domain.generation import Generation
from services.knowledge.domain.indexing.desk import Desk, Part
from services.knowledge.domain.indexing.hand import Hand
from services.knowledge.domain.indexing.journal import Journal
from services.knowledge.domain.indexing.verdict import Again, verdict
from services.knowledge.domain.indexing.work import Work
from services.knowledge.domain.ports.store import Store, Transaction
from services.knowledge.domain.queue import Claim, IndexerId

_PUBLISHED = (Status.PUBLISHING, Status.INDEXED)


class Committing:
    """Each document commits by itself, in one transaction with one revision for all its generations."""

    def __init__(self, store: Store, clock: Clock, journal: Journal, owner: IndexerId, hand: Hand) -> None:
        self._store = store
        self._clock = clock
        self._journal = journal
        self._owner = owner
        self._hand = hand

    def commit(self, work: Work) -> None:
        """Write what is ready; what is not stays in the queue, or is given up."""
        claim = work.claim
        try:
            with self._store.write() as tx:
                desk = self._desk(tx, claim)
                parts = desk.parts(work)
                ready = desk.ready(parts)
                served = _publish(desk, ready)
                left = [part for part in parts if part not in ready]
                error = next((part.error for part in left if part.error is not None), None)
                ruling = verdict(claim, error) if error else Again(0, claim.attempts)
                if left:
                    _rule(desk, [part.generation for part in left], ruling, served=served)
                else:
                    tx.queue.finish(claim.workspace_id, claim, desk.now)
        except Exception as unforeseen:
            self.went_wrong(claim, unforeseen)
            return
        self._hand.drop(claim)
        if ready or not left:
            chunks = len(ready[0].content.chunks) if ready and ready[0].content else 0
            self._journal.indexed(claim, chunks, work.embedded)
        if error:
            self._tell(claim, error, ruling)

    def went_wrong(self, claim: Claim, error: Exception) -> None:
        """Try a document again or give it up, as the error is."""
        if isinstance(error, ClaimLost):
            self._hand.drop(claim)
            self._journal.lost(claim)
            return
        ruling = verdict(claim, error)
        if self._decide(claim, ruling):
            self._tell(claim, error, ruling)

    def give_back(self, claim: Claim) -> None:
        """Let another indexer have what this one has not done."""
        self._decide(claim, Again(0, claim.attempts))

    def _decide(self, claim: Claim, ruling: Failure | Again) -> bool:
        self._hand.drop(claim)
        try:
            with self._store.write() as tx:
                desk = self._desk(tx, claim)
                _rule(desk, desk.wanted, ruling, served=desk.has(desk.base.serving))
        except ClaimLost:
            self._journal.lost(claim)
        except Unavailable as error:  # its lease lapses, and it comes again
            self._journal.postponed(claim, error)
        else:
            return True
        return False

    def _desk(self, tx: Transaction, claim: Claim) -> Desk:
        workspace_id = claim.workspace_id
        base = tx.bases.lock(workspace_id)
        tx.queue.hold(workspace_id, claim, self._owner)
        numbers = [each.number for each in base.written]
        holdings = tx.chunks.holdings(workspace_id, claim.document_id, numbers)
        return Desk(tx, base, claim, holdings, self._clock.now())

    def _tell(self, claim: Claim, error: Exception, ruling: Failure | Again) -> None:
        if not isinstance(error, IndexingFailed):
            self._journal.postponed(claim, error)
        if isinstance(ruling, Failure):
            self._journal.failed(claim, ruling)


def _publish(desk: Desk, ready: list[Part]) -> bool:
    """Write the parts; return whether the generation that serves has the present content then."""
    tx, workspace_id, document_id = desk.tx, desk.claim.workspace_id, desk.claim.document_id
    serving = desk.base.serving.number
    shown: tuple[int, int] | None = None
    for part in ready:
        share, content, number = part.share, part.content, part.generation.number
        if share is None or content is None:
            raise LookupError(number)
        revision = tx.bases.next_revision(workspace_id)
        model = share.embedder.model, share.embedder.dimensions
        if part.generation != Generation(number, *model):
            tx.bases.use_model(workspace_id, number, *model)
        tx.chunks.replace(workspace_id, number, content, revision, desk.now)
        if number == serving:
            shown = len(content.chunks), len(content.vectors)
        else:
            tx.reindexes.document_done(workspace_id, document_id, number)
    if shown is None and desk.has(desk.base.serving):
        # Made in the generation that took over before it could be made in the one that served then.
        document = tx.documents.get(workspace_id, document_id)
        if document is not None and document.status not in _PUBLISHED:
            shown = desk.holdings[serving].chunks, 0
    if shown is not None:
        revision = tx.bases.next_revision(workspace_id)
        tx.documents.publish(workspace_id, document_id, revision, *shown, desk.now)
    return shown is not None or desk.has(desk.base.serving)


def _rule(desk: Desk, left: list[Generation], ruling: Failure | Again, *, served: bool) -> None:
    """Try again what is left to write, or give it up; `served`: the present content can be searched."""
    tx, claim, now = desk.tx, desk.claim, desk.now
    workspace_id, document_id = claim.workspace_id, claim.document_id
    if isinstance(ruling, Again):
        not_before = now + timedelta(seconds=ruling.seconds)
        tx.queue.postpone(workspace_id, claim, not_before, ruling.attempts, background=served)
        return
    if not served:
        tx.documents.set_status(workspace_id, document_id, Status.FAILED, ruling)
    for generation in left:
        if generation.number == desk.base.serving.number:
            tx.operations.document_failed(workspace_id, document_id, ruling, now)
        else:
            tx.reindexes.document_failed(workspace_id, document_id, generation.number, ruling)
    tx.queue.finish(workspace_id, claim, now)
