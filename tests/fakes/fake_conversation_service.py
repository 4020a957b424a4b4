"""A conversation service without our interceptors: it can fail as gRPC itself or a library would."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from supportagent.conversations.v1 import conversation_service_pb2 as pb
from supportagent.conversations.v1 import conversation_service_pb2_grpc as pb_grpc

from tests.fakes.recorded_calls import RecordedCalls


class FakeConversationService(pb_grpc.ConversationServiceServicer):
    """Implements the real ConversationService; `calls` is for the tests."""

    def __init__(self) -> None:
        self.calls = RecordedCalls()

    def start(self, address: str = "127.0.0.1:0") -> tuple[grpc.Server, int]:
        """Serve, and return the server and its port."""
        server = grpc.server(ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
        pb_grpc.add_ConversationServiceServicer_to_server(self, server)
        port = server.add_insecure_port(address)
        server.start()
        return server, port

    def ListConversations(self, request: pb.ListConversationsRequest, context: grpc.ServicerContext) -> Any:
        """List nothing."""
        return self.calls.serve(
            "ListConversations", request, context, lambda r, c: pb.ListConversationsResponse()
        )

    def GetConversation(self, request: pb.GetConversationRequest, context: grpc.ServicerContext) -> Any:
        """Return an empty conversation."""
        return self.calls.serve(
            "GetConversation",
            request,
            context,
            lambda r, c: pb.GetConversationResponse(conversation=pb.Conversation(id=r.conversation_id)),
        )
