"""Turns for tests."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.conversations.domain.conversation import Turn
from services.conversations.domain.end_user import EndUser
from services.conversations.domain.message import Action, Confidence, Message, Role, Source
from services.kernel.ids import WorkspaceId

NOW = datetime(2026, 11, 22, 7, 26, 33, 123456, tzinfo=UTC)
ACME, OTHER = WorkspaceId("ws_acme"), WorkspaceId("ws_other")
ANN = EndUser("shop", "ann")


def a_turn(
    name: str = "1",
    *,
    conversation: str = "conv_a",
    question: str = "When does it renew?",
    answered: bool = True,
    at: datetime = NOW,
    channel: str = "api",
    metadata: Mapping[str, str] | None = None,
    end_user: EndUser | None = None,
) -> Turn:
    """Return a turn: `msg_q{name}`, and a second later `msg_a{name}`."""
    return Turn(
        conversation_id=conversation,
        channel=channel,
        metadata=metadata or {},
        end_user=end_user,
        question=Message(id=f"msg_q{name}", role=Role.USER, content=question, created_at=at),
        answer=Message(
            id=f"msg_a{name}",
            role=Role.ASSISTANT,
            content=f"Answer {name}. [1]",
            created_at=at + timedelta(seconds=1),
            answered=answered,
            reason="" if answered else "LOW_CONFIDENCE",
            confidence=Confidence(0.1 + 0.2, "low"),
            sources=(
                Source(1, "doc_1", "chunk_1", "Title", "https://a.example/", "Excerpt", 1 / 3, "document"),
                Source(2, "doc_2", "chunk_2", "", "", "", 0.0, "document"),
            ),
            actions=(Action("run_1", "stripe.get_subscription", "succeeded"),),
            latency_ms=12,
            answerer="extractive",
        ),
    )
