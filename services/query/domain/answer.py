"""An answer, given or withheld, and the events that tell it piece by piece."""

from dataclasses import dataclass

from services.query.domain.passage import Passage

NO_RELEVANT_SOURCE = "NO_RELEVANT_SOURCE"
LOW_CONFIDENCE = "LOW_CONFIDENCE"
EXTRACTIVE = "extractive"

LOW_BELOW, HIGH_FROM = 0.4, 0.7


@dataclass(frozen=True)
class Confidence:
    """The probability, 0 to 1, that the best candidate is right, whether it was given or withheld."""

    score: float

    @property
    def level(self) -> str:
        """low, medium or high."""
        if self.score < LOW_BELOW:
            return "low"
        return "medium" if self.score < HIGH_FROM else "high"


@dataclass(frozen=True)
class Source:
    """A passage that an answer rests on, or that came nearest; `index` counts from 1."""

    index: int
    document_id: str
    chunk_id: str
    title: str
    url: str
    excerpt: str
    score: float
    kind: str = "document"


@dataclass(frozen=True)
class Citation:
    """`answer[start:end]` stands, word for word, in the passage of source `source_index`."""

    start: int
    end: int
    source_index: int


@dataclass(frozen=True)
class Action:
    """An action that was run."""

    run_id: str
    name: str
    status: str


@dataclass(frozen=True)
class Piece:
    """A part of an answer as it is streamed, and the citations that end in it."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came of a question."""

    text: str
    answered: bool
    reason: str
    confidence: Confidence
    sources: tuple[Source, ...]
    citations: tuple[Citation, ...]
    conversation_id: str
    message_id: str
    knowledge_revision: int
    actions: tuple[Action, ...] = ()
    answerer: str = EXTRACTIVE


@dataclass(frozen=True)
class Draft:
    """A composed text: its pieces joined, and for each cited passage the spans that it lends."""

    pieces: tuple[Piece, ...]
    sources: tuple[Source, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """All citations, in their order."""
        return tuple(citation for piece in self.pieces for citation in piece.citations)


@dataclass(frozen=True)
class Results:
    """What a look-up found."""

    passages: tuple[Passage, ...]
    revision: int
