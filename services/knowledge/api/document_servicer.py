"""The document service."""

import grpc
from supportagent.knowledge.v1 import document_service_pb2 as pb
from supportagent.knowledge.v1 import document_service_pb2_grpc as rpc

from services.kernel.ids import WorkspaceId
from services.kernel.pages import page_size
from services.knowledge.api import convert_documents as convert
from services.knowledge.api import convert_operations, convert_versions
from services.knowledge.api.idempotency import idempotent
from services.knowledge.domain.document import Document
from services.knowledge.domain.read_documents import ReadDocuments
from services.knowledge.domain.write_documents import WriteDocuments
from services.runtime.interceptors.caller import caller, request_header, set_response_headers

SERVICE = "supportagent.knowledge.v1.DocumentService"


class DocumentServicer(rpc.DocumentServiceServicer):
    """Documents of the caller's workspace."""

    def __init__(self, write: WriteDocuments, read: ReadDocuments) -> None:
        self._write = write
        self._read = read

    def CreateDocument(
        self, request: pb.CreateDocumentRequest, context: grpc.ServicerContext
    ) -> pb.CreateDocumentResponse:
        """Create a document."""
        draft, once = convert.created(request), idempotent(request, context)
        answer = self._write.create(caller(context).workspace_id, draft, once, convert.create_response)
        set_response_headers(context, {"etag": '"1"'})
        return pb.CreateDocumentResponse.FromString(answer)

    def BatchUpsertDocuments(
        self, request: pb.BatchUpsertDocumentsRequest, context: grpc.ServicerContext
    ) -> pb.BatchUpsertDocumentsResponse:
        """Create or replace documents."""
        documents, once = [convert.proposed(each) for each in request.documents], idempotent(request, context)
        workspace_id = caller(context).workspace_id
        answer = self._write.batch(workspace_id, documents, once, convert_operations.batch_response)
        return pb.BatchUpsertDocumentsResponse.FromString(answer)

    def UpsertDocument(
        self, request: pb.UpsertDocumentRequest, context: grpc.ServicerContext
    ) -> pb.UpsertDocumentResponse:
        """Create or replace the document of an external id."""
        workspace_id, draft = caller(context).workspace_id, convert.upserted(request)
        document = self._write.put(workspace_id, draft, request_header(context, "if-match"))
        return pb.UpsertDocumentResponse(document=self._written(workspace_id, document, context))

    def DeleteDocumentByExternalId(
        self, request: pb.DeleteDocumentByExternalIdRequest, context: grpc.ServicerContext
    ) -> pb.DeleteDocumentByExternalIdResponse:
        """Delete the document of an external id."""
        workspace_id, if_match = caller(context).workspace_id, request_header(context, "if-match")
        external_id = convert.external_id(request.external_id)
        operation = self._write.delete_by_external_id(workspace_id, external_id, if_match)
        return pb.DeleteDocumentByExternalIdResponse(operation=convert_operations.operation(operation))

    def ListDocuments(
        self, request: pb.ListDocumentsRequest, context: grpc.ServicerContext
    ) -> pb.ListDocumentsResponse:
        """List documents without their content."""
        size, filters = page_size(request.page_size), convert.filters(request)
        page = self._read.page(caller(context).workspace_id, filters, size, request.page_token)
        return convert.list_response(page)

    def GetDocument(
        self, request: pb.GetDocumentRequest, context: grpc.ServicerContext
    ) -> pb.GetDocumentResponse:
        """Return a document with its content."""
        shown = self._read.get(caller(context).workspace_id, convert.document_id(request.document_id))
        set_response_headers(context, {"etag": shown.document.etag})
        return pb.GetDocumentResponse(document=convert.document(shown))

    def ListDocumentVersions(
        self, request: pb.ListDocumentVersionsRequest, context: grpc.ServicerContext
    ) -> pb.ListDocumentVersionsResponse:
        """List a document's versions without their content."""
        size, document_id = page_size(request.page_size), convert.document_id(request.document_id)
        page = self._read.versions(caller(context).workspace_id, document_id, size, request.page_token)
        return convert_versions.list_response(page)

    def GetDocumentVersion(
        self, request: pb.GetDocumentVersionRequest, context: grpc.ServicerContext
    ) -> pb.GetDocumentVersionResponse:
        """Return a version of a document with its content."""
        workspace_id, document_id = caller(context).workspace_id, convert.document_id(request.document_id)
        version, content = self._read.version(workspace_id, document_id, request.version)
        return pb.GetDocumentVersionResponse(version=convert_versions.version(version, content))

    def UpdateDocument(
        self, request: pb.UpdateDocumentRequest, context: grpc.ServicerContext
    ) -> pb.UpdateDocumentResponse:
        """Change the fields that are given."""
        workspace_id, document_id = caller(context).workspace_id, convert.document_id(request.document_id)
        patch = convert.patched(request.patch, request_header(context, "x-body-keys"))
        document = self._write.patch(workspace_id, document_id, patch, request_header(context, "if-match"))
        return pb.UpdateDocumentResponse(document=self._written(workspace_id, document, context))

    def DeleteDocument(
        self, request: pb.DeleteDocumentRequest, context: grpc.ServicerContext
    ) -> pb.DeleteDocumentResponse:
        """Delete a document."""
        workspace_id, document_id = caller(context).workspace_id, convert.document_id(request.document_id)
        operation = self._write.delete(workspace_id, document_id, request_header(context, "if-match"))
        return pb.DeleteDocumentResponse(operation=convert_operations.operation(operation))

    def _written(
        self, workspace_id: WorkspaceId, document: Document, context: grpc.ServicerContext
    ) -> pb.Document:
        set_response_headers(context, {"etag": document.etag})
        return convert.document(self._read.show(workspace_id, document))
