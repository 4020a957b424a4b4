"""What callers can watch the end of."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.knowledge.domain.document import DocumentId, Failure
from services.knowledge.domain.operation import NewOperation, Operation, OperationId, Status


class Operations(Protocol):
    """Operations and their items."""

    def add(self, workspace_id: WorkspaceId, operation: NewOperation) -> None:
        """Store an operation; one without pending items has ended."""
        ...

    def get(self, workspace_id: WorkspaceId, operation_id: OperationId) -> Operation | None:
        """Return an operation."""
        ...

    def page(self, workspace_id: WorkspaceId, after: Place | None, limit: int) -> list[Operation]:
        """Return operations older than `after`, newest first."""
        ...

    def documents_done(self, workspace_id: WorkspaceId, ids: Collection[DocumentId], at: datetime) -> None:
        """End well what waits for these documents in the generation that serves."""
        ...

    def document_gone(self, workspace_id: WorkspaceId, document_id: DocumentId, at: datetime) -> None:
        """End well what waits for a document that is no more."""
        ...

    def end(
        self, workspace_id: WorkspaceId, operation_id: OperationId, outcome: Status, at: datetime
    ) -> None:
        """End an operation that makes a generation."""
        ...

    def document_failed(
        self, workspace_id: WorkspaceId, document_id: DocumentId, failure: Failure, at: datetime
    ) -> None:
        """Fail what waits for a document, in whatever generation."""
        ...

    def withdrawable(
        self, workspace_id: WorkspaceId, operation_id: OperationId
    ) -> list[tuple[DocumentId, bool]]:
        """
        Return the documents that an operation still waits for at their present content version.

        The flag says that no other operation waits for the document.
        """
        ...

    def cancel_items(
        self,
        workspace_id: WorkspaceId,
        operation_id: OperationId,
        ids: Collection[DocumentId],
        at: datetime,
    ) -> None:
        """Cancel the pending items of these documents."""
        ...
