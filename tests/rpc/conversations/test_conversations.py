"""Conversations over gRPC, as the process joins them, on SQLite."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from supportagent.conversations.v1 import conversation_service_pb2 as pb
from supportagent.conversations.v1 import turn_service_pb2 as turn_pb
from supportagent.conversations.v1.conversation_service_pb2_grpc import (
    ConversationServiceStub,
    add_ConversationServiceServicer_to_server,
)
from supportagent.conversations.v1.turn_service_pb2_grpc import (
    TurnServiceStub,
    add_TurnServiceServicer_to_server,
)

import services.conversations.storage
from services.conversations.api import conversation_servicer, turn_servicer
from services.conversations.api.conversation_servicer import ConversationServicer
from services.conversations.api.turn_servicer import TurnServicer
from services.conversations.domain.transcripts import Transcripts
from services.conversations.storage.conversations import StoredConversations
from services.runtime.database import migrate, open_database
from services.runtime.server import Service, start_server
from services.runtime.settings import Secret

_CREDENTIAL = ("x-internal-credential", "internal-credential")
_ACME = (_CREDENTIAL, ("x-workspace-id", "ws_acme"))
_OTHER = (_CREDENTIAL, ("x-workspace-id", "ws_other"))


@dataclass(frozen=True)
class Server:
    """The two services of conversations."""

    turns: TurnServiceStub
    conversations: ConversationServiceStub


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Return a running service without conversations."""
    database = open_database(f"sqlite:///{tmp_path / 'conversations.db'}", "conversations")
    migrate(database, Path(services.conversations.storage.__file__).parent / "versions")
    transcripts = Transcripts(StoredConversations(database))
    running = start_server(
        [
            Service(
                conversation_servicer.SERVICE,
                add_ConversationServiceServicer_to_server,
                ConversationServicer(transcripts),
            ),
            Service(turn_servicer.SERVICE, add_TurnServiceServicer_to_server, TurnServicer(transcripts)),
        ],
        credential=Secret("internal-credential"),
    )
    with grpc.insecure_channel(running.address) as channel:
        yield Server(TurnServiceStub(channel), ConversationServiceStub(channel))
    running.stop()
    database.close()


def test_a_turn_is_in_the_transcript(server: Server) -> None:
    """Every field of both messages comes back, and a repeated turn is there once."""
    request = _turn()
    server.turns.AppendTurn(request, metadata=_ACME)
    server.turns.AppendTurn(request, metadata=_ACME)
    get = pb.GetConversationRequest(conversation_id="conv_a")
    conversation = server.conversations.GetConversation(get, metadata=_ACME).conversation
    assert list(conversation.messages) == [request.user_message, request.assistant_message]
    assert (conversation.message_count, conversation.answered, conversation.user_id) == (2, False, "")
    assert (conversation.preview, dict(conversation.metadata)) == ("Why?", {"ticket": "8812"})
    assert conversation.created_at == request.user_message.created_at
    assert conversation.updated_at == request.assistant_message.created_at
    history = server.turns.GetHistory(
        turn_pb.GetHistoryRequest(conversation_id="conv_a", limit=40), metadata=_ACME
    )
    assert [(each.role, each.content) for each in history.messages] == [
        ("user", "Why?"),
        ("assistant", "I don't know."),
    ]


def test_lists_leave_messages_out(server: Server) -> None:
    """A list shows the conversation without its messages; `answered=false` filters."""
    server.turns.AppendTurn(_turn(), metadata=_ACME)
    listed = server.conversations.ListConversations(pb.ListConversationsRequest(), metadata=_ACME)
    assert [each.id for each in listed.items] == ["conv_a"]
    assert not listed.items[0].messages
    assert listed.next_page_token == ""
    for answered, count in ((True, 0), (False, 1)):
        request = pb.ListConversationsRequest(answered=answered)
        assert len(server.conversations.ListConversations(request, metadata=_ACME).items) == count


def test_a_bound_conversation_goes_on_with_its_end_user_alone(server: Server) -> None:
    """Its transcript names the subject; others neither read what was said nor add to it."""
    ann, ben = turn_pb.EndUser(issuer="shop", subject="ann"), turn_pb.EndUser(issuer="shop", subject="ben")
    request = _turn()
    request.end_user.CopyFrom(ann)
    server.turns.AppendTurn(request, metadata=_ACME)
    get = pb.GetConversationRequest(conversation_id="conv_a")
    assert server.conversations.GetConversation(get, metadata=_ACME).conversation.user_id == "ann"
    listed = pb.ListConversationsRequest(user_id="ann")
    assert len(server.conversations.ListConversations(listed, metadata=_ACME).items) == 1
    history = turn_pb.GetHistoryRequest(conversation_id="conv_a", limit=40, end_user=ann)
    assert len(server.turns.GetHistory(history, metadata=_ACME).messages) == 2
    more = _turn()
    more.user_message.id, more.assistant_message.id = "msg_q2", "msg_a2"
    for other in (None, ben):
        ask = turn_pb.GetHistoryRequest(conversation_id="conv_a", limit=40, end_user=other)
        more.ClearField("end_user")
        if other is not None:
            more.end_user.CopyFrom(other)
        for method, message in (("GetHistory", ask), ("AppendTurn", more)):
            code, info, _ = _error(server, method, message, _ACME)
            assert (code, info.reason) == (grpc.StatusCode.NOT_FOUND, "CONVERSATION_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("GetConversation", pb.GetConversationRequest(conversation_id="conv_a")),
        ("GetConversation", pb.GetConversationRequest(conversation_id="\0")),
        ("GetHistory", turn_pb.GetHistoryRequest(conversation_id="conv_a", limit=1)),
    ],
)
def test_another_workspaces_conversation_is_not_found(server: Server, method: str, request_: Message) -> None:
    """Another workspace's id is NOT_FOUND, as one that never was."""
    server.turns.AppendTurn(_turn(), metadata=_ACME)
    code, info, _ = _error(server, method, request_, _OTHER)
    assert code == grpc.StatusCode.NOT_FOUND
    assert info.reason == "CONVERSATION_NOT_FOUND"
    listed = server.conversations.ListConversations(pb.ListConversationsRequest(), metadata=_OTHER)
    assert not listed.items


def test_violations_have_pointers(server: Server) -> None:
    """All that is wrong with a request is told at once."""
    request = pb.ListConversationsRequest(page_size=-1, created_after="now", page_token="x")
    code, _, violations = _error(server, "ListConversations", request, _ACME)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert violations == ["/created_after", "/page_size", "/page_token"]
    _, _, violations = _error(server, "AppendTurn", turn_pb.AppendTurnRequest(), _ACME)
    assert violations == [
        "/user_message/role",
        "/user_message/created_at",
        "/assistant_message/role",
        "/assistant_message/created_at",
    ]


def test_callers_without_a_workspace_are_refused(server: Server) -> None:
    """The operator has no conversations, and strangers none either."""
    request = pb.ListConversationsRequest()
    operator = (_CREDENTIAL, ("x-key-id", "operator"))
    assert _error(server, "ListConversations", request, operator)[0] == grpc.StatusCode.UNAUTHENTICATED
    stranger = (("x-workspace-id", "ws_acme"),)
    assert _error(server, "ListConversations", request, stranger)[0] == grpc.StatusCode.PERMISSION_DENIED


def _turn() -> turn_pb.AppendTurnRequest:
    return turn_pb.AppendTurnRequest(
        conversation_id="conv_a",
        channel="api",
        metadata={"ticket": "8812"},
        user_message=pb.Message(id="msg_q", role="user", content="Why?", created_at=Timestamp(seconds=10)),
        assistant_message=pb.Message(
            id="msg_a",
            role="assistant",
            content="I don't know.",
            answered=False,
            reason="NO_RELEVANT_SOURCE",
            confidence=pb.Confidence(score=0.1, level="low"),
            sources=[
                pb.Source(
                    index=1,
                    document_id="doc_1",
                    chunk_id="c",
                    title="T",
                    url="u",
                    excerpt="e",
                    score=0.3,
                    kind="document",
                )
            ],
            actions=[pb.Action(run_id="run_1", name="a.b", status="failed")],
            feedback=pb.Feedback(rating="down", comment=""),
            latency_ms=0,
            answerer="extractive",
            created_at=Timestamp(seconds=11, nanos=123456000),
        ),
    )


def _error(
    server: Server, method: str, request: Message, metadata: tuple[tuple[str, str], ...]
) -> tuple[grpc.StatusCode, error_details_pb2.ErrorInfo, list[str]]:
    stub = server.turns if hasattr(server.turns, method) else server.conversations
    with pytest.raises(grpc.RpcError) as raised:
        getattr(stub, method)(request, metadata=metadata)
    status = rpc_status.from_call(raised.value)
    assert status is not None
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
    return raised.value.code(), info, [each.field for each in bad_request.field_violations]
