"""Operations: reading, cancelling and retrying them."""

from collections.abc import Callable

from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Page, Place, page_of, place_in
from services.knowledge.domain.answered_once import answered_once
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.document import Status as DocumentStatus
from services.knowledge.domain.errors import OperationFinished, OperationNotFound
from services.knowledge.domain.operation import Operation, OperationId, Status
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.knowledge.domain.ports.store import Store, Transaction
from services.knowledge.domain.queue import CANCELLED
from services.knowledge.domain.reindexing import give_up
from services.knowledge.domain.retrying import retry

_FILTERS = {"list": "operations"}


class TrackOperations:
    """Shows, cancels and retries the operations of workspaces."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def get(self, workspace_id: WorkspaceId, operation_id: OperationId) -> Operation:
        """Return an operation; raise OperationNotFound."""
        with self._store.read() as tx:
            return _found(tx, workspace_id, operation_id)

    def page(self, workspace_id: WorkspaceId, page_size: int, page_token: str) -> Page[Operation]:
        """Return operations, newest first."""
        after = place_in(page_token, _FILTERS)
        with self._store.read() as tx:
            found = tx.operations.page(workspace_id, after, page_size + 1)
        return page_of(found, page_size, _FILTERS, lambda each: Place(each.created_at, each.id))

    def cancel(self, workspace_id: WorkspaceId, operation_id: OperationId) -> Operation:
        """
        Cancel what has not begun; what has goes on to its end.

        A document that nobody else waits for leaves the queue as failed: its present content is not in the
        index (passages of an earlier one stay there). A whole re-index is given up, until its switch is set.

        Raises:
            OperationNotFound, OperationFinished: as they say.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            operation = _found(tx, workspace_id, operation_id)
            if operation.finished_at is not None:
                raise OperationFinished("The operation has ended.")
            if operation.generation is not None:
                return self._cancel_reindex(tx, workspace_id, operation_id)
            cancelled = []
            for document_id, alone in tx.operations.withdrawable(workspace_id, operation_id):
                if not alone:
                    cancelled.append(document_id)
                elif tx.queue.withdraw(workspace_id, document_id, now):
                    cancelled.append(document_id)
                    self._stop(tx, workspace_id, document_id)
            tx.operations.cancel_items(workspace_id, operation_id, cancelled, now)
            return _found(tx, workspace_id, operation_id)

    def retry(
        self,
        workspace_id: WorkspaceId,
        operation_id: OperationId,
        request: IdempotentRequest | None,
        encode: Callable[[Operation], bytes],
    ) -> bytes:
        """
        Try again what failed; return the answer, the first one where the request is a repeated one.

        Raises:
            OperationNotFound, OperationRunning, NothingToRetry, ReindexRunning: as they say.
        """
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)

            def begin() -> Operation:
                ended = _found(tx, workspace_id, operation_id)
                return _found(tx, workspace_id, retry(tx, workspace_id, ended, self._clock.now()))

            return answered_once(tx, workspace_id, request, begin, encode)

    def _cancel_reindex(
        self, tx: Transaction, workspace_id: WorkspaceId, operation_id: OperationId
    ) -> Operation:
        following = tx.bases.get(workspace_id).next
        if following is not None and following.switch_at is not None:
            raise OperationFinished("The switch to the new index is set and can't be called off.")
        give_up(tx, workspace_id, Status.CANCELLED, self._clock.now())
        return _found(tx, workspace_id, operation_id)

    def _stop(self, tx: Transaction, workspace_id: WorkspaceId, document_id: DocumentId) -> None:
        document = tx.documents.get(workspace_id, document_id)
        # One that was only to be embedded anew is in the index as it was.
        if document is not None and document.status is DocumentStatus.QUEUED:
            tx.documents.set_status(workspace_id, document_id, DocumentStatus.FAILED, CANCELLED)


def _found(tx: Transaction, workspace_id: WorkspaceId, operation_id: OperationId) -> Operation:
    operation = tx.operations.get(workspace_id, operation_id)
    if operation is None:
        raise OperationNotFound("There is no such operation.")
    return operation
