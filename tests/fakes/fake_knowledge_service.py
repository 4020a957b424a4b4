"""A knowledge service that accepts everything and remembers what it was told."""

from collections.abc import Callable
from typing import Any

import grpc
from supportagent.knowledge.v1 import document_service_pb2 as pb
from supportagent.knowledge.v1 import document_service_pb2_grpc as pb_grpc
from supportagent.knowledge.v1 import operation_service_pb2 as operations
from supportagent.knowledge.v1 import operation_service_pb2_grpc as operations_grpc
from supportagent.knowledge.v1 import reindex_service_pb2 as reindex
from supportagent.knowledge.v1 import reindex_service_pb2_grpc as reindex_grpc

from services.runtime.interceptors.caller import set_response_headers
from services.runtime.server import Service
from tests.fakes.recorded_calls import RecordedCalls

PACKAGE = "supportagent.knowledge.v1"


class FakeKnowledgeService(
    pb_grpc.DocumentServiceServicer,
    operations_grpc.OperationServiceServicer,
    reindex_grpc.ReindexServiceServicer,
):
    """Implements the real protos; `calls` is for the tests."""

    def __init__(self) -> None:
        self.calls = RecordedCalls()

    def services(self) -> list[Service]:
        """Return how it joins a server."""
        add: dict[str, Callable[[Any, grpc.Server], None]] = {
            "DocumentService": pb_grpc.add_DocumentServiceServicer_to_server,
            "OperationService": operations_grpc.add_OperationServiceServicer_to_server,
            "ReindexService": reindex_grpc.add_ReindexServiceServicer_to_server,
        }
        return [Service(f"{PACKAGE}.{name}", each, self) for name, each in add.items()]

    def CreateDocument(self, request: pb.CreateDocumentRequest, context: grpc.ServicerContext) -> Any:
        """Accept it."""
        return self.calls.serve(
            "CreateDocument",
            request,
            context,
            lambda r, c: pb.CreateDocumentResponse(document=_document("doc_new", r)),
        )

    def BatchUpsertDocuments(
        self, request: pb.BatchUpsertDocumentsRequest, context: grpc.ServicerContext
    ) -> Any:
        """Accept them."""
        return self.calls.serve(
            "BatchUpsertDocuments",
            request,
            context,
            lambda r, c: pb.BatchUpsertDocumentsResponse(operation=_operation(len(r.documents))),
        )

    def UpsertDocument(self, request: pb.UpsertDocumentRequest, context: grpc.ServicerContext) -> Any:
        """Accept it under the path's external id."""
        return self.calls.serve("UpsertDocument", request, context, _upserted)

    def DeleteDocumentByExternalId(
        self, request: pb.DeleteDocumentByExternalIdRequest, context: grpc.ServicerContext
    ) -> Any:
        """Accept it."""
        return self.calls.serve(
            "DeleteDocumentByExternalId",
            request,
            context,
            lambda r, c: pb.DeleteDocumentByExternalIdResponse(operation=_operation(1)),
        )

    def ListDocuments(self, request: pb.ListDocumentsRequest, context: grpc.ServicerContext) -> Any:
        """List nothing."""
        return self.calls.serve("ListDocuments", request, context, lambda r, c: pb.ListDocumentsResponse())

    def GetDocument(self, request: pb.GetDocumentRequest, context: grpc.ServicerContext) -> Any:
        """Return a document with an ETag."""
        return self.calls.serve("GetDocument", request, context, _found)

    def UpdateDocument(self, request: pb.UpdateDocumentRequest, context: grpc.ServicerContext) -> Any:
        """Accept the change."""
        return self.calls.serve(
            "UpdateDocument",
            request,
            context,
            lambda r, c: pb.UpdateDocumentResponse(
                document=pb.Document(id=r.document_id, title=r.patch.title)
            ),
        )

    def DeleteDocument(self, request: pb.DeleteDocumentRequest, context: grpc.ServicerContext) -> Any:
        """Accept it."""
        return self.calls.serve(
            "DeleteDocument",
            request,
            context,
            lambda r, c: pb.DeleteDocumentResponse(operation=_operation(1)),
        )

    def ListDocumentVersions(
        self, request: pb.ListDocumentVersionsRequest, context: grpc.ServicerContext
    ) -> Any:
        """List the present one."""
        return self.calls.serve(
            "ListDocumentVersions",
            request,
            context,
            lambda r, c: pb.ListDocumentVersionsResponse(items=[pb.DocumentVersion(version=1, current=True)]),
        )

    def GetDocumentVersion(self, request: pb.GetDocumentVersionRequest, context: grpc.ServicerContext) -> Any:
        """Return it."""
        return self.calls.serve(
            "GetDocumentVersion",
            request,
            context,
            lambda r, c: pb.GetDocumentVersionResponse(
                version=pb.DocumentVersion(version=r.version, content="")
            ),
        )

    def ListOperations(self, request: operations.ListOperationsRequest, context: grpc.ServicerContext) -> Any:
        """List nothing."""
        return self.calls.serve(
            "ListOperations", request, context, lambda r, c: operations.ListOperationsResponse()
        )

    def GetOperation(self, request: operations.GetOperationRequest, context: grpc.ServicerContext) -> Any:
        """Return one."""
        return self.calls.serve(
            "GetOperation",
            request,
            context,
            lambda r, c: operations.GetOperationResponse(operation=_operation(1)),
        )

    def CancelOperation(
        self, request: operations.CancelOperationRequest, context: grpc.ServicerContext
    ) -> Any:
        """Cancel it."""
        return self.calls.serve(
            "CancelOperation",
            request,
            context,
            lambda r, c: operations.CancelOperationResponse(operation=_operation(1)),
        )

    def RetryOperation(self, request: operations.RetryOperationRequest, context: grpc.ServicerContext) -> Any:
        """Accept it."""
        return self.calls.serve(
            "RetryOperation",
            request,
            context,
            lambda r, c: operations.RetryOperationResponse(operation=_operation(1)),
        )

    def Reindex(self, request: reindex.ReindexRequest, context: grpc.ServicerContext) -> Any:
        """Accept it."""
        return self.calls.serve(
            "Reindex", request, context, lambda r, c: reindex.ReindexResponse(operation=_operation(1))
        )

    def RollBackReindex(self, request: reindex.RollBackReindexRequest, context: grpc.ServicerContext) -> Any:
        """Accept it."""
        return self.calls.serve(
            "RollBackReindex",
            request,
            context,
            lambda r, c: reindex.RollBackReindexResponse(operation=_operation(1)),
        )


def _found(request: pb.GetDocumentRequest, context: grpc.ServicerContext) -> pb.GetDocumentResponse:
    set_response_headers(context, {"etag": '"7"'})
    return pb.GetDocumentResponse(document=pb.Document(id=request.document_id, title="Refunds", content=""))


def _upserted(request: pb.UpsertDocumentRequest, context: grpc.ServicerContext) -> pb.UpsertDocumentResponse:
    document = pb.Document(id="doc_put", external_id=request.external_id, title=request.document.title)
    return pb.UpsertDocumentResponse(document=document)


def _document(document_id: str, request: pb.CreateDocumentRequest) -> pb.Document:
    return pb.Document(id=document_id, title=request.title, external_id=request.external_id, status="queued")


def _operation(total: int) -> operations.Operation:
    return operations.Operation(id="op_1", status="queued", total=total)
