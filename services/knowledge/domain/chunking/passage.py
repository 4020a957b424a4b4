"""A passage: what is embedded, found and cited, with an id that its content decides."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.units.splitting import units
from services.knowledge.domain.units.unit import Unit

MAX_CHUNKS = 2000
# What a unit takes in the change feed beside its vector and its heading, roughly.
_UNIT_BYTES = 24


class PassageKind(StrEnum):
    """What a passage is."""

    PASSAGE = "passage"
    # The text answers the question in the last of the heading path.
    ANSWER = "answer"


@dataclass(frozen=True)
class Passage:
    """A stretch of a document with the headings above it, outermost first."""

    heading_path: tuple[str, ...]
    text: str
    tokens: int
    kind: PassageKind = PassageKind.PASSAGE


@dataclass(frozen=True)
class Chunk:
    """A passage in its place in the index, with what can be quoted of it."""

    id: str
    ordinal: int
    title: str
    passage: Passage
    units: tuple[Unit, ...]

    @property
    def embedded(self) -> str:
        """What is turned into the vector."""
        if self.passage.kind is PassageKind.ANSWER:
            return self.passage.heading_path[-1]
        return _embedded(self.title, self.passage.heading_path, self.passage.text)

    def embedded_units(self) -> Iterator[str]:
        """Yield what is turned into the vector of each unit."""
        for unit in self.units:
            headings = (*self.passage.heading_path, unit.heading)
            yield _embedded(self.title, headings, self.passage.text[unit.start : unit.end])

    def bytes(self, dimensions: int) -> int:
        """Return about what it takes in the change feed, with vectors of so many dimensions."""
        texts = (*self.passage.heading_path, self.passage.text, *(unit.heading for unit in self.units))
        vectors = 4 * dimensions + len(self.units) * dimensions
        return sum(len(each.encode()) for each in texts) + vectors + len(self.units) * _UNIT_BYTES


def chunks(document_id: DocumentId, title: str, passages: Sequence[Passage], max_units: int) -> list[Chunk]:
    """
    Return the chunks of a document; those that would bring it beyond `max_units` have none.

    An id is a hash of all that a chunk and its vectors depend on, so that an edit gives new ids to what it
    touches and to nothing else; passages that are equal are told apart by counting.
    """
    seen: Counter[Passage] = Counter()
    found = []
    room = max_units
    for ordinal, passage in enumerate(passages):
        quotable = tuple(units(passage.text))
        bare = len(quotable) > room
        if bare:
            quotable = ()
        room -= len(quotable)
        # No document's id is one of these words.
        marks = [] if passage.kind is PassageKind.PASSAGE else [passage.kind.value]
        marks += ["bare"] if bare else []
        parts = (*marks, document_id, title, *passage.heading_path, passage.text, str(seen[passage]))
        seen[passage] += 1
        digest = hashlib.sha256("\x00".join(parts).encode()).digest()
        name = "chk_" + base64.b32hexencode(digest[:20]).decode().lower()
        found.append(Chunk(name, ordinal, title, passage, quotable))
    return found


def _embedded(title: str, headings: Sequence[str], text: str) -> str:
    path = " > ".join(heading for heading in headings if heading)
    return "\n".join(part for part in (title, path, text) if part)
