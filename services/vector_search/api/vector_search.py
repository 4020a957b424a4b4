"""The vector search service."""

import grpc
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb
from supportagent.vector_search.v1 import vector_search_service_pb2_grpc as rpc

from services.runtime.call import seconds_left
from services.runtime.interceptors.caller import caller
from services.runtime.server import Service
from services.vector_search.api import convert
from services.vector_search.domain.replica import Replica


class VectorSearchServicer(rpc.VectorSearchServiceServicer):
    """Speaks protobuf; the workspace is always the caller's."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:
        """Find the nearest passages."""
        workspace_id = caller(context).workspace_id
        result = self._replica.search(workspace_id, convert.search_query(request), seconds_left())
        return convert.search_response(result)

    def BatchSearch(
        self, request: pb.BatchSearchRequest, context: grpc.ServicerContext
    ) -> pb.BatchSearchResponse:
        """Find the nearest passages to several questions."""
        workspace_id = caller(context).workspace_id
        results = self._replica.search_each(workspace_id, convert.search_queries(request), seconds_left())
        return convert.batch_search_response(results)

    def GetIndexStatus(
        self, request: pb.GetIndexStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetIndexStatusResponse:
        """Return the state of the caller's index."""
        return convert.status_response(self._replica.status(caller(context).workspace_id))


def service(replica: Replica) -> Service:
    """Return the service, ready for a server."""
    return Service(
        "supportagent.vector_search.v1.VectorSearchService",
        rpc.add_VectorSearchServiceServicer_to_server,
        VectorSearchServicer(replica),
    )
