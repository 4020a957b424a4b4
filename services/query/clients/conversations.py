"""Transcripts from and to the conversations service."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from supportagent.conversations.v1 import conversation_service_pb2 as messages_pb
from supportagent.conversations.v1 import turn_service_pb2 as pb
from supportagent.conversations.v1 import turn_service_pb2_grpc as pb_grpc

from services.kernel.caller import Caller
from services.kernel.errors import DomainError, ErrorKind
from services.query.domain.conversation import Turn
from services.query.domain.end_user import EndUser
from services.query.domain.errors import ConversationNotFound
from services.query.domain.question import Said
from services.runtime.call import acting_as, seconds_left
from services.runtime.channel import call
from services.runtime.timestamps import timestamp


class TranscriptService:
    """A `Conversations`. Nothing is retried: each call is one short wait, and the outbox tries again."""

    def __init__(self, channel: grpc.Channel, history_timeout: float, append_timeout: float) -> None:
        self._stub = pb_grpc.TurnServiceStub(channel)
        self._history_timeout = history_timeout
        self._append_timeout = append_timeout

    def history(
        self, caller: Caller, conversation_id: str, end_user: EndUser | None, limit: int
    ) -> list[Said]:
        """Return the newest messages of a conversation, oldest first."""
        request = pb.GetHistoryRequest(
            conversation_id=conversation_id, limit=limit, end_user=_end_user(end_user)
        )
        with _not_found(), acting_as(caller, seconds_left()):
            response = call(self._stub.GetHistory, request, timeout=self._history_timeout)
        return [Said(each.role, each.content) for each in response.messages]

    def append(self, caller: Caller, turn: Turn) -> None:
        """Store a turn."""
        with _not_found(), acting_as(caller, seconds_left()):
            call(self._stub.AppendTurn, _append_turn_request(turn), timeout=self._append_timeout)


@contextmanager
def _not_found() -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            raise ConversationNotFound from None
        raise


def _end_user(end_user: EndUser | None) -> pb.EndUser | None:
    return None if end_user is None else pb.EndUser(issuer=end_user.issuer, subject=end_user.subject)


def _append_turn_request(turn: Turn) -> pb.AppendTurnRequest:
    user, assistant = turn.user, turn.assistant
    return pb.AppendTurnRequest(
        conversation_id=turn.conversation_id,
        channel=turn.channel,
        metadata=turn.metadata,
        end_user=_end_user(turn.end_user),
        user_message=messages_pb.Message(
            id=user.id, role="user", content=user.content, created_at=timestamp(user.created_at)
        ),
        assistant_message=messages_pb.Message(
            id=assistant.id,
            role="assistant",
            content=assistant.content,
            answered=assistant.answered,
            reason=assistant.reason,
            confidence=messages_pb.Confidence(score=assistant.confidence, level=assistant.level),
            sources=[
                messages_pb.Source(
                    index=each.index,
                    document_id=each.document_id,
                    chunk_id=each.chunk_id,
                    title=each.title,
                    url=each.url,
                    excerpt=each.excerpt,
                    score=each.score,
                    kind=each.kind,
                )
                for each in assistant.sources
            ],
            actions=[
                messages_pb.Action(run_id=each.run_id, name=each.name, status=each.status)
                for each in assistant.actions
            ],
            latency_ms=assistant.latency_ms,
            answerer=assistant.answerer,
            created_at=timestamp(assistant.created_at),
        ),
    )
