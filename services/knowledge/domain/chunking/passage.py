"""A passage: what is embedded, found and cited, with an id that its content decides."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.knowledge.domain.document import DocumentId


@dataclass(frozen=True)
class Passage:
    """A stretch of a document with the headings above it, outermost first."""

    heading_path: tuple[str, ...]
    text: str
    tokens: int


@dataclass(frozen=True)
class Chunk:
    """A passage in its place in the index."""

    id: str
    ordinal: int
    passage: Passage
    # What is turned into the vector.
    embedded: str


def chunks(document_id: DocumentId, title: str, passages: Sequence[Passage]) -> list[Chunk]:
    """
    Return the chunks of a document.

    An id is a hash of all that its vector depends on, so that an edit gives new ids to what it touches and
    to nothing else; passages that are equal are told apart by counting.
    """
    seen: Counter[Passage] = Counter()
    found = []
    for ordinal, passage in enumerate(passages):
        parts = (document_id, title, *passage.heading_path, passage.text, str(seen[passage]))
        seen[passage] += 1
        digest = hashlib.sha256("\x00".join(parts).encode()).digest()
        name = "chk_" + base64.b32hexencode(digest[:20]).decode().lower()
        found.append(Chunk(name, ordinal, passage, _embedded(title, passage)))
    return found


def _embedded(title: str, passage: Passage) -> str:
    path = " > ".join(passage.heading_path)
    return "\n".join(part for part in (title, path, passage.text) if part)
