"""Embedding what is missing of several documents together."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import islice

from services.embedding.domain.embedder import Embedder
from services.kernel.errors import Unavailable
from services.knowledge.domain.chunk_vectors import ChunkVectors, texts
from services.knowledge.domain.indexing.work import Share, Work

# Texts that are embedded in one call; between calls an indexer can be told to stop.
EMBED_AT_ONCE = 64

Stopping = Callable[[], bool]


def embed(works: Sequence[Work], stopping: Stopping) -> bool:
    """
    Embed what is missing of documents; return False when told to stop before the end.

    A document that breaks the model fails alone: its share says why.
    """
    shares: dict[str, list[Share]] = defaultdict(list)
    for work in works:
        for model, share in work.shares.items():
            if share.error is None:
                shares[model].append(share)
    return all(_embed(those[0].embedder, those, stopping) for those in shares.values())


def _embed(embedder: Embedder, shares: Sequence[Share], stopping: Stopping) -> bool:
    try:
        return _together(embedder, shares, stopping)
    except Exception as error:
        for share in shares:
            share.vectors.clear()
            share.error = error
        if isinstance(error, Unavailable) or len(shares) == 1:
            return True
    # One of them is at fault: each by itself, so that it fails alone.
    for share in shares:
        share.error = None
    return all(_embed(embedder, [share], stopping) for share in shares)


def _together(embedder: Embedder, shares: Sequence[Share], stopping: Stopping) -> bool:
    wanted = ((share, chunk, text) for share in shares for chunk in share.missing for text in texts(chunk))
    while batch := list(islice(wanted, EMBED_AT_ONCE)):
        if stopping():
            return False
        # A passage of one sentence is its own only unit. Long ones first: of texts that are embedded side by
        # side the last ones are short then, and nobody waits for them.
        distinct = sorted({text for *_, text in batch}, key=lambda text: (-len(text), text))
        vectors = dict(zip(distinct, embedder.embed_passages(distinct), strict=True))
        for share, chunk, text in batch:
            share.vectors.setdefault(chunk.id, ChunkVectors()).take(vectors[text])
    return True
