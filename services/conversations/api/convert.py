"""Between protobuf messages and the domain."""

from dataclasses import asdict
from datetime import UTC

from supportagent.conversations.v1 import conversation_service_pb2 as pb
from supportagent.conversations.v1 import turn_service_pb2 as turn_pb

from services.conversations.domain.conversation import Conversation, Transcript, Turn
from services.conversations.domain.end_user import EndUser
from services.conversations.domain.listing import Listing
from services.conversations.domain.message import Action, Confidence, Feedback, Message, Role, Source
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.pages import Page
from services.runtime.timestamps import timestamp


def turn(request: turn_pb.AppendTurnRequest) -> Turn:
    """Return the turn; raise InvalidArgument for a message without a known role or its time."""
    wrong = [
        *_wrong("/user_message", request.user_message),
        *_wrong("/assistant_message", request.assistant_message),
    ]
    if wrong:
        raise InvalidArgument.of(wrong)
    return Turn(
        conversation_id=request.conversation_id,
        channel=request.channel,
        metadata=dict(request.metadata),
        question=_to_message(request.user_message),
        answer=_to_message(request.assistant_message),
        end_user=end_user(request),
    )


def end_user(request: turn_pb.AppendTurnRequest | turn_pb.GetHistoryRequest) -> EndUser | None:
    """Return who asks; None: nobody is known."""
    if not request.HasField("end_user"):
        return None
    return EndUser(request.end_user.issuer, request.end_user.subject)


def listing(request: pb.ListConversationsRequest) -> Listing:
    """Return the page that is asked for; raise InvalidArgument where something in it is wrong."""
    return Listing.parse(
        size=request.page_size,
        token=request.page_token,
        channel=request.channel,
        answered=request.answered if request.HasField("answered") else None,
        user_id=request.user_id,
        created_after=request.created_after,
        created_before=request.created_before,
    )


def get_history_response(messages: list[Message]) -> turn_pb.GetHistoryResponse:
    """Return the newest messages, role and content only."""
    return turn_pb.GetHistoryResponse(
        messages=[
            turn_pb.HistoryMessage(
                role=each.role, content=each.content, created_at=timestamp(each.created_at)
            )
            for each in messages
        ]
    )


def list_conversations_response(page: Page[Conversation]) -> pb.ListConversationsResponse:
    """Return a page of conversations without messages."""
    return pb.ListConversationsResponse(
        items=[_from_conversation(each) for each in page.items], next_page_token=page.next_token
    )


def get_conversation_response(transcript: Transcript) -> pb.GetConversationResponse:
    """Return a conversation with its messages."""
    conversation = _from_conversation(transcript.conversation)
    conversation.messages.extend(_from_message(each) for each in transcript.messages)
    return pb.GetConversationResponse(conversation=conversation)


def _from_conversation(conversation: Conversation) -> pb.Conversation:
    return pb.Conversation(
        id=conversation.id,
        channel=conversation.channel,
        user_id=conversation.user_id,
        answered=conversation.answered,
        message_count=conversation.message_count,
        preview=conversation.preview,
        metadata=conversation.metadata,
        created_at=timestamp(conversation.created_at),
        updated_at=timestamp(conversation.updated_at),
    )


def _from_message(message: Message) -> pb.Message:
    confidence, feedback = message.confidence, message.feedback
    return pb.Message(
        id=message.id,
        role=message.role,
        content=message.content,
        answered=message.answered,
        reason=message.reason,
        confidence=pb.Confidence(**asdict(confidence)) if confidence else None,
        sources=[pb.Source(**asdict(each)) for each in message.sources],
        actions=[pb.Action(**asdict(each)) for each in message.actions],
        feedback=pb.Feedback(**asdict(feedback)) if feedback else None,
        latency_ms=message.latency_ms,
        answerer=message.answerer,
        created_at=timestamp(message.created_at),
    )


def _wrong(pointer: str, message: pb.Message) -> list[Violation]:
    wrong = []
    if message.role not in set(Role):
        wrong.append(Violation(f"{pointer}/role", f"must be one of {', '.join(Role)}"))
    if not message.HasField("created_at"):
        # A turn may arrive long after it was said: the present instant would be a wrong guess.
        wrong.append(Violation(f"{pointer}/created_at", "must be given"))
    return wrong


def _to_message(message: pb.Message) -> Message:
    confidence, feedback = message.confidence, message.feedback
    return Message(
        id=message.id,
        role=Role(message.role),
        content=message.content,
        created_at=message.created_at.ToDatetime(UTC),
        answered=message.answered if message.HasField("answered") else None,
        reason=message.reason if message.HasField("reason") else None,
        confidence=(
            Confidence(confidence.score, confidence.level) if message.HasField("confidence") else None
        ),
        sources=tuple(_to_source(each) for each in message.sources),
        actions=tuple(Action(each.run_id, each.name, each.status) for each in message.actions),
        feedback=Feedback(feedback.rating, feedback.comment) if message.HasField("feedback") else None,
        latency_ms=message.latency_ms if message.HasField("latency_ms") else None,
        answerer=message.answerer if message.HasField("answerer") else None,
    )


def _to_source(source: pb.Source) -> Source:
    return Source(
        index=source.index,
        document_id=source.document_id,
        chunk_id=source.chunk_id,
        title=source.title,
        url=source.url,
        excerpt=source.excerpt,
        score=source.score,
        kind=source.kind,
    )
