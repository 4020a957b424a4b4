"""The index service."""

import grpc
from supportagent.knowledge.v1 import index_service_pb2 as pb
from supportagent.knowledge.v1 import index_service_pb2_grpc as rpc

from services.knowledge.api import convert_operations as convert
from services.knowledge.domain.read_documents import ReadDocuments
from services.runtime.interceptors.caller import caller

SERVICE = "supportagent.knowledge.v1.IndexService"


class IndexServicer(rpc.IndexServiceServicer):
    """The state of the caller's index."""

    def __init__(self, read: ReadDocuments) -> None:
        self._read = read

    def GetIndex(self, request: pb.GetIndexRequest, context: grpc.ServicerContext) -> pb.GetIndexResponse:
        """Return the state of the index and of the replicas that serve it."""
        return pb.GetIndexResponse(index=convert.index(self._read.index(caller(context).workspace_id)))
