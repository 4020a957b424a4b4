"""The re-index service."""

import grpc
from supportagent.knowledge.v1 import reindex_service_pb2 as pb
from supportagent.knowledge.v1 import reindex_service_pb2_grpc as rpc

from services.knowledge.api import convert_operations as convert
from services.knowledge.api.convert_documents import document_id
from services.knowledge.api.idempotency import idempotent
from services.knowledge.domain.reindexing import Reindexing
from services.runtime.interceptors.caller import caller

SERVICE = "supportagent.knowledge.v1.ReindexService"


class ReindexServicer(rpc.ReindexServiceServicer):
    """Re-indexes of the caller's workspace."""

    def __init__(self, reindexing: Reindexing) -> None:
        self._reindexing = reindexing

    def Reindex(self, request: pb.ReindexRequest, context: grpc.ServicerContext) -> pb.ReindexResponse:
        """Make the index anew, or single documents in it."""
        workspace_id, once = caller(context).workspace_id, idempotent(request, context)
        ids = [document_id(each) for each in request.document_ids]
        answer = self._reindexing.start(workspace_id, ids, once, convert.reindex_response)
        return pb.ReindexResponse.FromString(answer)

    def RollBackReindex(
        self, request: pb.RollBackReindexRequest, context: grpc.ServicerContext
    ) -> pb.RollBackReindexResponse:
        """Go back to the generation that served before."""
        workspace_id, once = caller(context).workspace_id, idempotent(request, context)
        answer = self._reindexing.roll_back(workspace_id, once, convert.rollback_response)
        return pb.RollBackReindexResponse.FromString(answer)
