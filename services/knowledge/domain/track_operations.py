"""Operations: reading and cancelling them."""

from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Page, Place, page_of, place_in
from services.knowledge.domain.document import Status as DocumentStatus
from services.knowledge.domain.errors import OperationFinished, OperationNotFound
from services.knowledge.domain.operation import Operation, OperationId
from services.knowledge.domain.ports.store import Store, Transaction
from services.knowledge.domain.queue import CANCELLED

_FILTERS = {"list": "operations"}


class TrackOperations:
    """Shows and cancels the operations of workspaces."""

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
        index (passages of an earlier one stay there).

        Raises:
            OperationNotFound, OperationFinished: as they say.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            if _found(tx, workspace_id, operation_id).finished_at is not None:
                raise OperationFinished("The operation has ended.")
            cancelled = []
            for document_id, alone in tx.operations.withdrawable(workspace_id, operation_id):
                if not alone:
                    cancelled.append(document_id)
                elif tx.queue.withdraw(workspace_id, document_id, now):
                    cancelled.append(document_id)
                    tx.documents.set_status(workspace_id, document_id, DocumentStatus.FAILED, CANCELLED)
            tx.operations.cancel_items(workspace_id, operation_id, cancelled, now)
            return _found(tx, workspace_id, operation_id)


def _found(tx: Transaction, workspace_id: WorkspaceId, operation_id: OperationId) -> Operation:
    operation = tx.operations.get(workspace_id, operation_id)
    if operation is None:
        raise OperationNotFound("There is no such operation.")
    return operation
