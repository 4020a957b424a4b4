"""Operations and the state of the index to messages."""

from supportagent.knowledge.v1 import document_service_pb2 as documents_pb
from supportagent.knowledge.v1 import index_service_pb2 as index_pb
from supportagent.knowledge.v1 import operation_service_pb2 as pb

from services.kernel.pages import Page
from services.knowledge.domain.change_feed import IndexState
from services.knowledge.domain.errors import OperationNotFound
from services.knowledge.domain.operation import Operation, OperationId
from services.runtime.timestamps import timestamp


def operation_id(text: str) -> OperationId:
    """Return the id in a path; raise OperationNotFound for what can't be one."""
    if "\x00" in text:
        raise OperationNotFound("There is no such operation.")
    return OperationId(text)


def operation(one: Operation) -> pb.Operation:
    """Return an operation as callers see it."""
    message = pb.Operation(
        id=one.id,
        kind=one.kind,
        status=one.status,
        total=one.counts.total,
        done=one.counts.done,
        failed=one.counts.failed,
        unchanged=one.counts.unchanged,
        created_at=timestamp(one.created_at),
        errors=[
            pb.OperationError(
                index=each.place,
                external_id=each.external_id,
                document_id=each.document_id or "",
                code=each.failure.code,
                detail=each.failure.detail,
            )
            for each in one.errors
        ],
    )
    if one.finished_at is not None:
        message.finished_at.CopyFrom(timestamp(one.finished_at))
    return message


def batch_response(one: Operation) -> bytes:
    """Return the answer to a batch, as it is stored for repeated requests."""
    message = documents_pb.BatchUpsertDocumentsResponse(operation=operation(one))
    return message.SerializeToString(deterministic=True)


def list_response(page: Page[Operation]) -> pb.ListOperationsResponse:
    """Return a page of operations."""
    return pb.ListOperationsResponse(
        items=[operation(each) for each in page.items], next_page_token=page.next_token
    )


def index(state: IndexState) -> index_pb.Index:
    """Return the state of an index."""
    return index_pb.Index(
        documents=state.documents,
        chunks=state.chunks,
        bytes=state.bytes,
        revision=state.revision,
        indexed_revision=state.indexed_revision,
        pending=state.pending,
        failed=state.failed,
        embedding_model=state.embedding_model,
        dimensions=state.dimensions,
        generation=state.generation,
        replicas=[
            index_pb.Replica(
                address=each.address, revision=each.revision, lag_seconds=round(each.lag_seconds, 3)
            )
            for each in state.replicas
        ],
    )
