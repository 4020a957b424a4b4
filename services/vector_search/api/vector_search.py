"""The vector search service."""

# gRPC's stubs are generic, its classes are not.
from __future__ import annotations

from typing import Any

import grpc
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb
from supportagent.vector_search.v1 import vector_search_service_pb2_grpc as rpc

from services.runtime.call import seconds_left
from services.runtime.interceptors.caller import caller
from services.runtime.server import Service
from services.vector_search.api import convert, wire
from services.vector_search.domain.replica import Replica

_NAME = pb.DESCRIPTOR.services_by_name["VectorSearchService"].full_name


class VectorSearchServicer(rpc.VectorSearchServiceServicer):
    """Speaks protobuf, searches answer in bytes of it; the workspace is always the caller's."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> bytes:  # type: ignore[override]
        """Find the nearest passages."""
        workspace_id = caller(context).workspace_id
        result = self._replica.search(workspace_id, convert.search_query(request), seconds_left())
        return wire.search_response(result)

    def BatchSearch(  # type: ignore[override]
        self, request: pb.BatchSearchRequest, context: grpc.ServicerContext
    ) -> bytes:
        """Find the nearest passages to several questions."""
        workspace_id = caller(context).workspace_id
        results = self._replica.search_each(workspace_id, convert.search_queries(request), seconds_left())
        return wire.batch_search_response(results)

    def GetIndexStatus(
        self, request: pb.GetIndexStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetIndexStatusResponse:
        """Return the state of the caller's index."""
        return convert.status_response(self._replica.status(caller(context).workspace_id))


def service(replica: Replica) -> Service:
    """Return the service, ready for a server."""
    return Service(_NAME, _add_to_server, VectorSearchServicer(replica))


def _add_to_server(servicer: VectorSearchServicer, server: grpc.Server) -> None:
    # By hand, since the generated function would encode answers that are bytes already.
    handler = grpc.unary_unary_rpc_method_handler
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Search": handler(servicer.Search, pb.SearchRequest.FromString),
        "BatchSearch": handler(servicer.BatchSearch, pb.BatchSearchRequest.FromString),
        "GetIndexStatus": handler(
            servicer.GetIndexStatus,
            pb.GetIndexStatusRequest.FromString,
            pb.GetIndexStatusResponse.SerializeToString,
        ),
    }
    server.add_registered_method_handlers(_NAME, handlers)
