"""Trying again what failed in an operation."""

from datetime import datetime

from services.kernel.errors import InvalidArgument
from services.kernel.ids import WorkspaceId, new_id
from services.knowledge.domain.document import Document, Status
from services.knowledge.domain.errors import (
    NothingToRetry,
    OperationRunning,
    QuotaExceeded,
    ReindexRunning,
)
from services.knowledge.domain.operation import Item, Kind, NewOperation, Operation, OperationId
from services.knowledge.domain.ports.store import Transaction
from services.knowledge.domain.writing import item

# What was refused when it was written is not stored: it has to be sent again.
_REFUSED = (InvalidArgument.reason, QuotaExceeded.reason)


def retry(tx: Transaction, workspace_id: WorkspaceId, operation: Operation, at: datetime) -> OperationId:
    """
    Begin an operation of the same kind with the failed documents that exist, at their present content.

    Those of a re-index of everything are made anew in the index that serves.

    Raises:
        OperationRunning: it has not ended.
        NothingToRetry: nothing failed, or nothing of that is there.
        ReindexRunning: documents can't be made anew meanwhile.
    """
    if operation.finished_at is None:
        raise OperationRunning("The operation has not ended.")
    if operation.kind is Kind.ROLLBACK:
        raise NothingToRetry("A rollback is tried again by beginning it again.")
    reindexes = operation.kind is Kind.REINDEX
    items = [
        _again(tx, workspace_id, error.place, document, at, anew=reindexes)
        for error in operation.errors
        if error.document_id is not None and error.failure.code not in _REFUSED
        if (document := tx.documents.get(workspace_id, error.document_id)) is not None
    ]
    if not items:
        raise NothingToRetry("Nothing of the operation can be tried again.")
    if reindexes and tx.bases.get(workspace_id).next is not None:
        raise ReindexRunning("A re-index is running.")
    operation_id = OperationId(new_id("op"))
    tx.operations.add(workspace_id, NewOperation(operation_id, operation.kind, at, items))
    return operation_id


def _again(
    tx: Transaction, workspace_id: WorkspaceId, place: int, document: Document, at: datetime, *, anew: bool
) -> Item:
    failed = document.status is Status.FAILED
    if failed:
        tx.documents.set_status(workspace_id, document.id, Status.QUEUED)
    if not failed and not anew:  # written or tried again since
        return item(place, document)
    tx.queue.put(workspace_id, document.id, document.content_version, at, background=anew, anew=anew)
    external_id = document.description.external_id
    return Item(place, document.id, external_id, content_version=document.content_version)
