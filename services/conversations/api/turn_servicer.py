"""The RPCs by which the query service writes and reads conversations."""

import grpc
from supportagent.conversations.v1 import turn_service_pb2 as pb
from supportagent.conversations.v1 import turn_service_pb2_grpc as pb_grpc

from services.conversations.api import convert
from services.conversations.domain.transcripts import Transcripts
from services.runtime.interceptors.caller import caller

SERVICE = pb.DESCRIPTOR.services_by_name["TurnService"].full_name


class TurnServicer(pb_grpc.TurnServiceServicer):
    """Turns in, history out."""

    def __init__(self, transcripts: Transcripts) -> None:
        self._transcripts = transcripts

    def AppendTurn(
        self, request: pb.AppendTurnRequest, context: grpc.ServicerContext
    ) -> pb.AppendTurnResponse:
        """Store a question and its answer. Safe to repeat."""
        self._transcripts.append(caller(context), convert.turn(request))
        return pb.AppendTurnResponse()

    def GetHistory(
        self, request: pb.GetHistoryRequest, context: grpc.ServicerContext
    ) -> pb.GetHistoryResponse:
        """Return the newest messages of a conversation, oldest first."""
        messages = self._transcripts.history(
            caller(context), request.conversation_id, convert.end_user(request), request.limit
        )
        return convert.get_history_response(messages)
