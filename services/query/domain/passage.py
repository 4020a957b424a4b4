"""Passages as the search finds them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """
    A piece of a document and how well it matched.

    `score` is the fused score from 0 to 1, `dense` the cosine to the question, `lexical` BM25 as it is.
    `heading_path` holds the headings above it, outermost first, `ordinal` its place in the document from 0.
    """

    chunk_id: str
    document_id: str
    title: str
    url: str
    heading_path: tuple[str, ...]
    text: str
    ordinal: int
    score: float
    dense: float
    lexical: float

    @property
    def whole(self) -> str:
        """The text below its title and headings."""
        return "\n".join((self.title, *self.heading_path, self.text))

    @property
    def shown_score(self) -> float:
        """The score as callers see it: between 0 and 1."""
        return min(1.0, max(0.0, self.score))


@dataclass(frozen=True)
class Found:
    """Passages, best first, and the revision of the knowledge base that was searched."""

    passages: tuple[Passage, ...]
    revision: int
