"""From claimed documents to passages of which some are to be embedded."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeAlias

from services.embedding.domain.embedder import Embedder
from services.embedding.domain.embedders import Embedders
from services.kernel.errors import InvalidArgument, Unavailable
from services.knowledge.domain import custom_answers
from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.chunking.chunker import Chunker
from services.knowledge.domain.chunking.passage import MAX_CHUNKS, Chunk, Passage, chunks
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.domain.indexing.work import Share, Work
from services.knowledge.domain.ports.store import Store
from services.knowledge.domain.queue import Claim, Source, Target

# What a document may take: an indexer holds it in memory, and a revision of the feed travels whole, in a
# message of at most 64 MiB. Passages whose units would have vectors beyond that have no units.
MAX_UNIT_VECTOR_BYTES = 20 * 1024 * 1024
MAX_DOCUMENT_BYTES = 56 * 1024 * 1024

Extract: TypeAlias = Callable[[bytes, ContentType], Sequence[Block]]
_Cut: TypeAlias = Callable[[Embedder], Sequence[Passage]]


class Preparing:
    """Extracts a document once, and cuts it by the tokens of each model that is to embed it."""

    def __init__(self, store: Store, embedders: Embedders, extract: Extract) -> None:
        self._store = store
        self._embedders = embedders
        self._extract = extract

    def work(self, claim: Claim) -> Work:
        """
        Return what is to be done for a claimed document.

        Raises:
            ClaimLost, IndexingFailed, Unavailable: as they say.
        """
        with self._store.read() as tx:
            source = tx.queue.source(claim.workspace_id, claim)
        if not source.targets:
            return Work(claim, {})
        targets: dict[str, list[Target]] = defaultdict(list)
        embedders: dict[str, Embedder] = {}
        for target in source.targets:
            embedder = self._embedder(target)
            targets[embedder.model].append(target)
            embedders[embedder.model] = embedder
        cut = self._cut(source)
        shares = {name: _share(claim, source, embedders[name], targets[name], cut) for name in targets}
        return Work(claim, shares)

    def _embedder(self, target: Target) -> Embedder:
        model = target.generation.embedding_model
        embedder = self._embedders.of(model) if model else self._embedders.present
        if embedder is None:  # a re-index has just begun
            raise Unavailable(f"This indexer does not have the model {model}.")
        return embedder

    def _cut(self, source: Source) -> _Cut:
        if source.content_type is not ContentType.CUSTOM_ANSWERS:
            blocks = self._extract(source.content, source.content_type)
            return lambda embedder: Chunker(embedder.count_tokens).passages(blocks, source.title)
        try:
            pairs = custom_answers.pairs(source.content)
        except InvalidArgument as error:  # stored under other rules
            raise IndexingFailed("EXTRACTION_FAILED", error.detail) from None
        return lambda embedder: custom_answers.passages(pairs, embedder.count_tokens)


def _share(claim: Claim, source: Source, embedder: Embedder, targets: Sequence[Target], cut: _Cut) -> Share:
    present = {each.generation.number: each.chunk_ids for each in targets}
    try:
        made = _chunks(claim, source.title, embedder, cut)
    except Exception as error:
        return Share(embedder, present=present, error=error)
    everywhere = frozenset.intersection(*present.values())
    return Share(embedder, made, [each for each in made if each.id not in everywhere], present)


def _chunks(claim: Claim, title: str, embedder: Embedder, cut: _Cut) -> Sequence[Chunk]:
    passages = cut(embedder)
    if len(passages) > MAX_CHUNKS:
        raise IndexingFailed("TOO_MANY_CHUNKS", f"It has more than {MAX_CHUNKS} passages.")
    dimensions = embedder.dimensions
    made = chunks(claim.document_id, title, passages, MAX_UNIT_VECTOR_BYTES // dimensions)
    if sum(each.bytes(dimensions) for each in made) > MAX_DOCUMENT_BYTES:
        detail = f"Its passages and their vectors take more than {MAX_DOCUMENT_BYTES} bytes."
        raise IndexingFailed("INDEX_TOO_LARGE", detail)
    return made
