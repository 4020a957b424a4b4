"""What is searched: passages and the documents they are from."""

from collections.abc import Sequence
from dataclasses import dataclass

PASSAGE = "passage"


@dataclass(frozen=True)
class Document:
    """What filters and answers need of a document."""

    document_id: str
    title: str = ""
    url: str = ""
    tags: tuple[str, ...] = ()
    # A BCP 47 tag; empty: fits any.
    locale: str = ""
    # True: for signed-in users only.
    authenticated: bool = False
    # False: never found.
    active: bool = True


@dataclass(frozen=True)
class Passage:
    """A piece of a document as it is answered, payload included."""

    chunk_id: str
    document_id: str
    title: str
    url: str
    heading_path: tuple[str, ...]
    text: str
    # Place in the document, from 0.
    ordinal: int
    # As the feed names it: what it means is for those who ask.
    kind: str = PASSAGE


def searchable_words(title: str, heading_path: Sequence[str], text: str) -> str:
    """Return what the lexical index reads of a passage: its title and headings count as its words."""
    return "\n".join((title, *heading_path, text))
