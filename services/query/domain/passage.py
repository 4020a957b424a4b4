"""Passages as the search finds them."""

from dataclasses import dataclass

from services.query.domain.units import Kind, Unit

PASSAGE, CUSTOM_ANSWER = "passage", "answer"


@dataclass(frozen=True)
class Passage:
    """
    A piece of a document and how well it matched.

    `score` is the fused score from 0 to 1, `dense` the cosine to the question, `lexical` BM25 as it is.
    `heading_path` holds the headings above it, outermost first, `ordinal` its place in the document from 0.
    A custom answer's `dense` is about the question that it was written for, the last of its headings.
    `units` are what can be quoted of it, in order, `cosines` theirs to the question, one each or none.
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
    kind: str = PASSAGE
    units: tuple[Unit, ...] = ()
    cosines: tuple[float, ...] = ()

    @property
    def quotable(self) -> tuple[Unit, ...]:
        """Its units; the whole text as one where none came with it, as of indexes of earlier versions."""
        if self.units:
            return self.units
        start, end = len(self.text) - len(self.text.lstrip()), len(self.text.rstrip())
        return (Unit(start, end, Kind.SENTENCE, 0, "", 0),) if start < end else ()

    def nearness(self, at: int) -> float:
        """Return the cosine of a unit to the question; the passage's own where units have none."""
        return self.cosines[at] if self.cosines else self.dense

    @property
    def best_sentence(self) -> float:
        """The highest cosine of a unit."""
        return max(self.cosines, default=self.dense)

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
    """Passages, best first; which revision of the knowledge base and generation of its index was searched."""

    passages: tuple[Passage, ...]
    revision: int
    generation: int = 0
