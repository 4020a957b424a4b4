"""A claimed document on its way into the index."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from services.embedding.domain.embedder import Embedder
from services.knowledge.domain.chunk_vectors import ChunkVectors
from services.knowledge.domain.chunking.passage import Chunk
from services.knowledge.domain.ports.documents import IndexedContent
from services.knowledge.domain.queue import Claim


@dataclass
class Share:
    """
    What one model has to do for a document: all generations of that model are made of it.

    `chunks` are cut by this model's tokens. `present` says by generation which of them are there already,
    `missing` are those that some generation lacks. `error`: why it could not be done.
    """

    embedder: Embedder
    chunks: Sequence[Chunk] = ()
    missing: Sequence[Chunk] = ()
    present: Mapping[int, Collection[str]] = field(default_factory=dict)
    vectors: dict[str, ChunkVectors] = field(default_factory=dict)
    error: Exception | None = None

    @property
    def texts(self) -> int:
        """How many texts are to be embedded."""
        return sum(1 + len(each.units) for each in self.missing)

    def content(self, claim: Claim, generation: int) -> IndexedContent | None:
        """Return what is to be written into a generation; None where something for it was not embedded."""
        present = self.present.get(generation, ())
        wanted = [chunk.id for chunk in self.chunks if chunk.id not in present]
        if self.error is not None or any(name not in self.vectors for name in wanted):
            return None
        vectors = {name: self.vectors[name] for name in wanted}
        return IndexedContent(claim.document_id, claim.content_version, self.chunks, vectors)


@dataclass
class Work:
    """A claimed document: what each model has to do for it, by the model's name."""

    claim: Claim
    shares: Mapping[str, Share]

    @property
    def texts(self) -> int:
        """How many texts are to be embedded."""
        return sum(each.texts for each in self.shares.values())

    @property
    def embedded(self) -> int:
        """How many passages were embedded."""
        return sum(len(each.vectors) for each in self.shares.values())
