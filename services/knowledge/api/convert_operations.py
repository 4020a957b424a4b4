"""Operations and the state of the index to messages."""

from supportagent.knowledge.v1 import document_service_pb2 as documents_pb
from supportagent.knowledge.v1 import index_service_pb2 as index_pb
from supportagent.knowledge.v1 import operation_service_pb2 as pb
from supportagent.knowledge.v1 import reindex_service_pb2 as reindex_pb

from services.kernel.pages import Page
from services.knowledge.domain.change_feed import IndexState
from services.knowledge.domain.errors import OperationNotFound
from services.knowledge.domain.operation import Operation, OperationId
from services.knowledge.domain.receipt import KEPT, Receipt
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
    if one.generation is not None:
        message.generation = one.generation
    if one.receipt is not None:
        message.receipt.CopyFrom(_receipt(one.receipt))
    if one.finished_at is not None:
        message.finished_at.CopyFrom(timestamp(one.finished_at))
    return message


def batch_response(one: Operation) -> bytes:
    """Return the answer to a batch, as it is stored for repeated requests."""
    message = documents_pb.BatchUpsertDocumentsResponse(operation=operation(one))
    return message.SerializeToString(deterministic=True)


def reindex_response(one: Operation) -> bytes:
    """Return the answer to a re-index, as it is stored for repeated requests."""
    message = reindex_pb.ReindexResponse(operation=operation(one))
    return message.SerializeToString(deterministic=True)


def rollback_response(one: Operation) -> bytes:
    """Return the answer to a rollback, as it is stored for repeated requests."""
    message = reindex_pb.RollBackReindexResponse(operation=operation(one))
    return message.SerializeToString(deterministic=True)


def retry_response(one: Operation) -> bytes:
    """Return the answer to a retry, as it is stored for repeated requests."""
    return pb.RetryOperationResponse(operation=operation(one)).SerializeToString(deterministic=True)


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
        next_generation=state.next_generation,
        previous_generation=state.previous_generation,
        replicas=[
            index_pb.Replica(
                address=each.address, revision=each.revision, lag_seconds=round(each.lag_seconds, 3)
            )
            for each in state.replicas
        ],
    )


def _receipt(one: Receipt) -> pb.DeletionReceipt:
    message = pb.DeletionReceipt(
        chunks=one.chunks, versions=one.versions, bytes=one.bytes, answers=one.answers or 0, kept=KEPT
    )
    for each in one.replicas:
        said = message.replicas.add(address=each.address, unfindable_at=timestamp(each.unfindable_at))
        if each.erased_at is not None:
            said.erased_at.CopyFrom(timestamp(each.erased_at))
    if one.erased_at is not None:
        message.erased_at.CopyFrom(timestamp(one.erased_at))
    return message
