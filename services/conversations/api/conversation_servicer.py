"""The RPCs that show conversations."""

import grpc
from supportagent.conversations.v1 import conversation_service_pb2 as pb
from supportagent.conversations.v1 import conversation_service_pb2_grpc as pb_grpc

from services.conversations.api import convert
from services.conversations.domain.transcripts import Transcripts
from services.runtime.interceptors.caller import caller

SERVICE = pb.DESCRIPTOR.services_by_name["ConversationService"].full_name


class ConversationServicer(pb_grpc.ConversationServiceServicer):
    """What was asked and answered."""

    def __init__(self, transcripts: Transcripts) -> None:
        self._transcripts = transcripts

    def ListConversations(
        self, request: pb.ListConversationsRequest, context: grpc.ServicerContext
    ) -> pb.ListConversationsResponse:
        """List conversations without their messages, newest first."""
        page = self._transcripts.list(caller(context), convert.listing(request))
        return convert.list_conversations_response(page)

    def GetConversation(
        self, request: pb.GetConversationRequest, context: grpc.ServicerContext
    ) -> pb.GetConversationResponse:
        """Return a conversation with all its messages, oldest first."""
        transcript = self._transcripts.get(caller(context), request.conversation_id)
        return convert.get_conversation_response(transcript)
