"""Between rows and the domain."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from services.conversations.domain.conversation import Conversation
from services.conversations.domain.end_user import EndUser
from services.conversations.domain.message import Action, Confidence, Feedback, Message, Role, Source

Row = sa.Row[tuple[object, ...]]

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable(value: object) -> object:
    """
    Return a value with U+FFFD for each NUL in its texts, at any depth.

    PostgreSQL can't hold NUL; a replacement, unlike leaving it out, keeps all lengths and offsets.
    """
    match value:
        case str():
            return value.replace("\0", _REPLACEMENT)
        case Mapping():
            return {storable(key): storable(each) for key, each in value.items()}
        case Sequence() if not isinstance(value, bytes):
            return [storable(each) for each in value]
        case _:
            return value


def from_conversation(conversation: Conversation) -> dict[str, object]:
    """Return a conversation's columns, but for the workspace."""
    return {
        "id": storable(conversation.id),
        "channel": storable(conversation.channel),
        "user_id": storable(conversation.user_id),
        "user_issuer": storable("" if conversation.end_user is None else conversation.end_user.issuer),
        "answered": conversation.answered,
        "message_count": conversation.message_count,
        "preview": storable(conversation.preview),
        "metadata": storable(conversation.metadata),
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
    }


def to_conversation(row: Row) -> Conversation:
    """Return the conversation of a row."""
    return Conversation(
        id=row.id,
        channel=row.channel,
        created_at=row.created_at,
        updated_at=row.updated_at,
        end_user=EndUser(row.user_issuer, row.user_id) if row.user_id else None,
        answered=row.answered,
        message_count=row.message_count,
        preview=row.preview,
        metadata=row.metadata,
    )


def from_message(message: Message) -> dict[str, object]:
    """Return a message's columns, but for the workspace, the conversation and the number in it."""
    confidence, feedback = message.confidence, message.feedback
    return {
        "id": storable(message.id),
        "role": message.role.value,
        "content": storable(message.content),
        "answered": message.answered,
        "reason": storable(message.reason),
        "confidence_score": confidence.score if confidence else None,
        "confidence_level": storable(confidence.level) if confidence else None,
        "sources": [storable(asdict(each)) for each in message.sources],
        "actions": [storable(asdict(each)) for each in message.actions],
        "feedback_rating": storable(feedback.rating) if feedback else None,
        "feedback_comment": storable(feedback.comment) if feedback else None,
        "latency_ms": message.latency_ms,
        "answerer": storable(message.answerer),
        "created_at": message.created_at,
    }


def to_message(row: Row) -> Message:
    """Return the message of a row."""
    has_confidence, has_feedback = row.confidence_score is not None, row.feedback_rating is not None
    return Message(
        id=row.id,
        role=Role(row.role),
        content=row.content,
        created_at=row.created_at,
        answered=row.answered,
        reason=row.reason,
        confidence=Confidence(row.confidence_score, row.confidence_level) if has_confidence else None,
        sources=tuple(Source(**each) for each in row.sources),
        actions=tuple(Action(**each) for each in row.actions),
        feedback=Feedback(row.feedback_rating, row.feedback_comment) if has_feedback else None,
        latency_ms=row.latency_ms,
        answerer=row.answerer,
    )
