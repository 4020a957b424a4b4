"""Indexing: from claimed documents to passages with vectors in the change feed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Protocol

from services.embedding.domain.embedder import Embedder
from services.kernel.clock import Clock
from services.kernel.errors import InvalidArgument, Unavailable
from services.knowledge.domain import custom_answers
from services.knowledge.domain.chunk_vectors import ChunkVectors, texts
from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.chunking.chunker import Chunker
from services.knowledge.domain.chunking.passage import MAX_CHUNKS, Chunk, Passage, chunks
from services.knowledge.domain.document import ContentType, Failure, Status
from services.knowledge.domain.errors import ClaimLost, IndexingFailed
from services.knowledge.domain.ports.queue import FIRST_WORKSPACE
from services.knowledge.domain.ports.store import Store
from services.knowledge.domain.queue import (
    CRASHED,
    GAVE_UP,
    MAX_ATTEMPTS,
    MAX_LAPSES,
    Claim,
    IndexerId,
    Source,
    backoff,
)

# Texts that are embedded in one call; between calls an indexer can be told to stop.
_EMBED_AT_ONCE = 64
# What a document may take: an indexer holds it in memory, and a revision of the feed travels whole, in a
# message of at most 64 MiB. Passages whose units would have vectors beyond that have no units.
MAX_UNIT_VECTOR_BYTES = 20 * 1024 * 1024
MAX_DOCUMENT_BYTES = 56 * 1024 * 1024
_UNAVAILABLE_SECONDS = 5

Extract = Callable[[bytes, ContentType], Sequence[Block]]


class Journal(Protocol):
    """Where the indexer tells what it does."""

    def indexed(self, claim: Claim, chunks: int, embedded: int) -> None:
        """A document's passages are in the feed; so many of them were embedded anew."""
        ...

    def failed(self, claim: Claim, failure: Failure) -> None:
        """A document was given up."""
        ...

    def postponed(self, claim: Claim, error: Exception) -> None:
        """A document will be tried again."""
        ...

    def lost(self, claim: Claim) -> None:
        """A document was edited, deleted or taken over meanwhile."""
        ...


@dataclass
class _Work:
    """A claimed document on its way."""

    claim: Claim
    chunks: list[Chunk]
    missing: list[Chunk]
    vectors: dict[str, ChunkVectors] = field(default_factory=dict)

    @property
    def texts(self) -> int:
        """How many texts are to be embedded."""
        return sum(1 + len(each.units) for each in self.missing)


class IndexDocuments:
    """Works off the queue. One instance per thread; any number of processes."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        embedder: Embedder,
        extract: Extract,
        journal: Journal,
        owner: IndexerId,
        claim_seconds: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._embedder = embedder
        self._extract = extract
        self._journal = journal
        self._chunker = Chunker(embedder.count_tokens)
        self._owner = owner
        self._claim_seconds = claim_seconds
        # Whose turn it was last.
        self._turn = FIRST_WORKSPACE
        # What `renew`, called from another thread, keeps; replaced as a whole.
        self._held: tuple[Claim, ...] = ()

    def run(self, limit: int, stopping: Callable[[], bool]) -> int:
        """
        Index at most `limit` documents of those that wait; return how many were claimed.

        When `stopping` says so, what is not done is given back.
        """
        now = self._clock.now()
        with self._store.read() as tx:
            if not tx.queue.waits(self._embedder.model, now):
                return 0
        with self._store.write() as tx:
            until = now + timedelta(seconds=self._claim_seconds)
            claims = tx.queue.claim(self._owner, self._embedder.model, limit, now, until, self._turn)
        if claims:
            self._turn = claims[-1].workspace_id
        self._held = tuple(claims)
        ready: list[_Work] = []
        for claim in claims:
            work = None if stopping() else self._prepared(claim)
            if work is not None:
                ready.append(work)
            if sum(each.texts for each in ready) >= _EMBED_AT_ONCE:
                self._finish(ready, stopping)
                ready = []
        self._finish(ready, stopping)
        for claim in self._held:  # not begun
            self._postpone(claim, 0, claim.attempts)
        return len(claims)

    def renew(self) -> None:
        """Keep what is being worked on; to be called well within `claim_seconds`, from another thread."""
        held = self._held
        if held:
            until = self._clock.now() + timedelta(seconds=self._claim_seconds)
            with self._store.write() as tx:
                tx.queue.renew(self._owner, held, until)

    def _prepared(self, claim: Claim) -> _Work | None:
        """Cut a document into chunks; None when its way ends here."""
        if claim.lapses > MAX_LAPSES:
            self._fail(claim, CRASHED)
            return None
        try:
            with self._store.read() as tx:
                source = tx.queue.source(claim.workspace_id, claim)
            passages = self._passages(source)
            if len(passages) > MAX_CHUNKS:
                raise IndexingFailed("TOO_MANY_CHUNKS", f"It has more than {MAX_CHUNKS} passages.")
            dimensions = self._embedder.dimensions
            made = chunks(claim.document_id, source.title, passages, MAX_UNIT_VECTOR_BYTES // dimensions)
            if sum(each.bytes(dimensions) for each in made) > MAX_DOCUMENT_BYTES:
                detail = f"Its passages and their vectors take more than {MAX_DOCUMENT_BYTES} bytes."
                raise IndexingFailed("INDEX_TOO_LARGE", detail)
            return _Work(claim, made, [each for each in made if each.id not in source.chunk_ids])
        except Exception as error:
            self._went_wrong(claim, error)
            return None

    def _passages(self, source: Source) -> list[Passage]:
        if source.content_type is not ContentType.CUSTOM_ANSWERS:
            blocks = self._extract(source.content, source.content_type)
            return self._chunker.passages(blocks, source.title)
        try:
            pairs = custom_answers.pairs(source.content)
        except InvalidArgument as error:  # stored under other rules
            raise IndexingFailed("EXTRACTION_FAILED", error.detail) from None
        return custom_answers.passages(pairs, self._embedder.count_tokens)

    def _finish(self, ready: Sequence[_Work], stopping: Callable[[], bool]) -> None:
        """Embed what is missing of several documents together, then commit each by itself."""
        try:
            if not self._embed(ready, stopping):
                return
        except Unavailable as error:
            for work in ready:
                self._went_wrong(work.claim, error)
            return
        except Exception:
            # One of them is at fault: each by itself, so that it fails alone.
            for work in ready:
                self._finish_alone(work, stopping)
            return
        for work in ready:
            self._commit(work)

    def _finish_alone(self, work: _Work, stopping: Callable[[], bool]) -> None:
        work.vectors.clear()
        try:
            if not self._embed([work], stopping):
                return
        except Exception as error:
            self._went_wrong(work.claim, error)
        else:
            self._commit(work)

    def _embed(self, ready: Sequence[_Work], stopping: Callable[[], bool]) -> bool:
        """Embed what is missing of documents; return False when told to stop before the end."""
        wanted = ((work, chunk, text) for work in ready for chunk in work.missing for text in texts(chunk))
        while batch := list(islice(wanted, _EMBED_AT_ONCE)):
            if stopping():
                return False
            # A passage of one sentence is its own only unit.
            distinct = list(dict.fromkeys(text for *_, text in batch))
            vectors = dict(zip(distinct, self._embedder.embed_passages(distinct), strict=True))
            for work, chunk, text in batch:
                work.vectors.setdefault(chunk.id, ChunkVectors()).take(vectors[text])
        return True

    def _commit(self, work: _Work) -> None:
        claim = work.claim
        try:
            with self._store.write() as tx:
                tx.bases.lock(claim.workspace_id)
                tx.queue.hold(claim.workspace_id, claim, self._owner)
                base = tx.bases.get(claim.workspace_id)
                tx.bases.use_model(
                    claim.workspace_id, base.serving.number, self._embedder.model, self._embedder.dimensions
                )
                revision, now = tx.bases.next_revision(claim.workspace_id), self._clock.now()
                tx.chunks.replace(claim.workspace_id, claim.document_id, work.chunks, work.vectors, revision)
                tx.documents.publish(claim.workspace_id, claim.document_id, revision, len(work.chunks), now)
                tx.queue.finish(claim.workspace_id, claim, now)
        except Exception as error:
            self._went_wrong(claim, error)
        else:
            self._let_go(claim)
            self._journal.indexed(claim, len(work.chunks), len(work.missing))

    def _went_wrong(self, claim: Claim, error: Exception) -> None:
        match error:
            case ClaimLost():
                self._let_go(claim)
                self._journal.lost(claim)
            case IndexingFailed():
                self._fail(claim, Failure(error.code, error.detail))
            case Unavailable():  # no fault of the document
                self._journal.postponed(claim, error)
                self._postpone(claim, _UNAVAILABLE_SECONDS, claim.attempts)
            case _ if claim.attempts + 1 >= MAX_ATTEMPTS:
                self._journal.postponed(claim, error)
                self._fail(claim, GAVE_UP)
            case _:
                attempts = claim.attempts + 1
                self._journal.postponed(claim, error)
                self._postpone(claim, backoff(attempts).total_seconds(), attempts)

    def _fail(self, claim: Claim, failure: Failure) -> None:
        now = self._clock.now()
        self._let_go(claim)
        try:
            with self._store.write() as tx:
                tx.bases.lock(claim.workspace_id)
                tx.queue.hold(claim.workspace_id, claim, self._owner)
                tx.documents.set_status(claim.workspace_id, claim.document_id, Status.FAILED, failure)
                tx.queue.finish(claim.workspace_id, claim, now)
                tx.operations.document_failed(claim.workspace_id, claim.document_id, failure, now)
        except ClaimLost:
            self._journal.lost(claim)
        except Unavailable as error:  # its lease lapses, and it comes again
            self._journal.postponed(claim, error)
        else:
            self._journal.failed(claim, failure)

    def _postpone(self, claim: Claim, seconds: float, attempts: int) -> None:
        self._let_go(claim)
        try:
            with self._store.write() as tx:
                tx.bases.lock(claim.workspace_id)
                tx.queue.hold(claim.workspace_id, claim, self._owner)
                not_before = self._clock.now() + timedelta(seconds=seconds)
                tx.queue.postpone(claim.workspace_id, claim, not_before, attempts)
                tx.documents.set_status(claim.workspace_id, claim.document_id, Status.QUEUED)
        except ClaimLost:
            self._journal.lost(claim)
        except Unavailable as error:  # its lease lapses, and it comes again
            self._journal.postponed(claim, error)

    def _let_go(self, claim: Claim) -> None:
        self._held = tuple(each for each in self._held if each != claim)
