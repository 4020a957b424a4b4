"""A turn: a question and its answer, as the transcript has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.query.domain.answer import Action, Source
from services.query.domain.end_user import EndUser


@dataclass(frozen=True)
class UserMessage:
    """What was asked."""

    id: str
    content: str
    created_at: datetime


@dataclass(frozen=True)
class AssistantMessage:
    """What was answered. `latency_ms` is the time to the whole answer."""

    id: str
    content: str
    created_at: datetime
    answered: bool
    reason: str
    confidence: float
    level: str
    sources: tuple[Source, ...]
    actions: tuple[Action, ...]
    latency_ms: int
    answerer: str


@dataclass(frozen=True)
class Turn:
    """A question and its answer."""

    conversation_id: str
    channel: str
    metadata: Mapping[str, str]
    user: UserMessage
    assistant: AssistantMessage
    # Who asked; None: nobody whom access has vouched for.
    end_user: EndUser | None = None
