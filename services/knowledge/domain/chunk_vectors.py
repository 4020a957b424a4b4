"""The vectors of a chunk, in the form in which they are stored and travel."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.embedding.domain.embedder import Vector
from services.knowledge.domain.chunking.passage import Chunk
from services.knowledge.domain.units.vectors import quantised


@dataclass
class ChunkVectors:
    """
    A chunk's own vector, little-endian float32, and those of its units, int8, one after the other.

    They are taken in the order in which `texts` names what is to be embedded.
    """

    own: bytes = b""
    units: bytearray = field(default_factory=bytearray)

    def take(self, vector: Vector) -> None:
        """Add the next vector."""
        if self.own:
            self.units += quantised(vector).tobytes()
        else:
            self.own = vector.astype("<f4").tobytes()


def texts(chunk: Chunk) -> Iterator[str]:
    """Yield what is to be embedded for a chunk."""
    yield chunk.embedded
    yield from chunk.embedded_units()
