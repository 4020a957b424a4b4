"""An answer, given or withheld, and the events that tell it piece by piece."""

from dataclasses import dataclass

from services.query.domain.explanation import Explanation
from services.query.domain.passage import Passage

NO_RELEVANT_SOURCE = "NO_RELEVANT_SOURCE"
LOW_CONFIDENCE = "LOW_CONFIDENCE"
EXTRACTIVE, CUSTOM = "extractive", "custom"


@dataclass(frozen=True)
class Confidence:
    """
    The probability, 0 to 1, that the best candidate is right, whether it was given or withheld.

    `level` is low, medium or high, by the workspace's bounds.
    """

    score: float
    level: str


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
    """`answer[start:end]` rests on the passage of source `source_index`; an extract stands there as it is."""

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
    # It was withheld, or a person was asked for.
    escalation_suggested: bool = False
    explanation: Explanation | None = None


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
