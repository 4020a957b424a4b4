"""The operation service."""

import grpc
from supportagent.knowledge.v1 import operation_service_pb2 as pb
from supportagent.knowledge.v1 import operation_service_pb2_grpc as rpc

from services.kernel.pages import page_size
from services.knowledge.api import convert_operations as convert
from services.knowledge.api.idempotency import idempotent
from services.knowledge.domain.track_operations import TrackOperations
from services.runtime.interceptors.caller import caller

SERVICE = "supportagent.knowledge.v1.OperationService"


class OperationServicer(rpc.OperationServiceServicer):
    """Operations of the caller's workspace."""

    def __init__(self, operations: TrackOperations) -> None:
        self._operations = operations

    def ListOperations(
        self, request: pb.ListOperationsRequest, context: grpc.ServicerContext
    ) -> pb.ListOperationsResponse:
        """List operations, newest first."""
        size = page_size(request.page_size)
        page = self._operations.page(caller(context).workspace_id, size, request.page_token)
        return convert.list_response(page)

    def GetOperation(
        self, request: pb.GetOperationRequest, context: grpc.ServicerContext
    ) -> pb.GetOperationResponse:
        """Return an operation with its progress."""
        operation_id = convert.operation_id(request.operation_id)
        operation = self._operations.get(caller(context).workspace_id, operation_id)
        return pb.GetOperationResponse(operation=convert.operation(operation))

    def CancelOperation(
        self, request: pb.CancelOperationRequest, context: grpc.ServicerContext
    ) -> pb.CancelOperationResponse:
        """Cancel what an operation has not begun."""
        operation_id = convert.operation_id(request.operation_id)
        operation = self._operations.cancel(caller(context).workspace_id, operation_id)
        return pb.CancelOperationResponse(operation=convert.operation(operation))

    def RetryOperation(
        self, request: pb.RetryOperationRequest, context: grpc.ServicerContext
    ) -> pb.RetryOperationResponse:
        """Try again what failed in an operation."""
        operation_id, once = convert.operation_id(request.operation_id), idempotent(request, context)
        workspace_id = caller(context).workspace_id
        answer = self._operations.retry(workspace_id, operation_id, once, convert.retry_response)
        return pb.RetryOperationResponse.FromString(answer)
