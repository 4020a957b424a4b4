"""Turns for tests."""

from datetime import UTC, datetime, timedelta

from services.query.domain.answer import Action, Source
from services.query.domain.conversation import AssistantMessage, Turn, UserMessage
from services.query.domain.end_user import EndUser

ANN = EndUser("shop", "ann ü")
NOW = datetime(2026, 11, 22, 7, 26, 33, 123456, tzinfo=UTC)


def a_turn(number: str, *, conversation: str = "conv_a", end_user: EndUser | None = None) -> Turn:
    """Return a turn in which every field holds something; later numbers were said later."""
    asked_at = NOW + timedelta(seconds=int(number))
    return Turn(
        conversation_id=conversation,
        channel="api",
        metadata={"ticket": "8812 ü"},
        end_user=end_user,
        user=UserMessage(f"msg_{number}q", f"question {number}", asked_at),
        assistant=AssistantMessage(
            id=f"msg_{number}a",
            content=f"answer {number}",
            created_at=asked_at + timedelta(milliseconds=12),
            answered=False,
            reason="LOW_CONFIDENCE",
            confidence=0.25,
            level="low",
            sources=(Source(1, "doc_a", "chunk_a", "Plans 𝄞", "https://help.example", "text", 0.5),),
            actions=(Action("run_1", "stripe.refund", "succeeded"),),
            latency_ms=12,
            answerer="extractive",
        ),
    )
