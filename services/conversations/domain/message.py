"""Messages: what was said, and what the bot's answers rest on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """Who said it."""

    USER = "user"
    ASSISTANT = "assistant"
    AGENT = "agent"


@dataclass(frozen=True)
class Confidence:
    """How sure the bot was: a probability, and its name (low, medium, high)."""

    score: float
    level: str


@dataclass(frozen=True)
class Source:
    """What an answer rests on; `index` is its number in the answer, from 1."""

    index: int
    document_id: str
    chunk_id: str
    title: str
    url: str
    excerpt: str
    score: float
    kind: str


@dataclass(frozen=True)
class Action:
    """An action that was run for an answer."""

    run_id: str
    name: str
    status: str


@dataclass(frozen=True)
class Feedback:
    """What a user thought of an answer: up or down, and words."""

    rating: str
    comment: str


@dataclass(frozen=True)
class Message:
    """
    One thing that was said.

    `answered`, `reason`, `confidence`, `latency_ms` and `answerer` are the assistant's; None elsewhere.
    """

    id: str
    role: Role
    content: str
    created_at: datetime
    answered: bool | None = None
    reason: str | None = None
    confidence: Confidence | None = None
    sources: tuple[Source, ...] = ()
    actions: tuple[Action, ...] = ()
    feedback: Feedback | None = None
    latency_ms: int | None = None
    answerer: str | None = None

    @property
    def scores(self) -> list[float]:
        """All scores in it."""
        return [each.score for each in (self.confidence, *self.sources) if each is not None]
