"""What a generation that is being made has, and what is left of those that were given up."""

from collections.abc import Sequence
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId, Failure
from services.knowledge.domain.operation import ItemError, OperationId


class Reindexes(Protocol):
    """Re-indexes on their way, and generations on their way out."""

    def expect(self, workspace_id: WorkspaceId, operation_id: OperationId, generation: int) -> None:
        """Let an operation wait for all documents whose present content its generation does not have."""
        ...

    def document_done(self, workspace_id: WorkspaceId, document_id: DocumentId, generation: int) -> None:
        """Note that a generation that is being made has a document, even if that had failed before."""
        ...

    def document_failed(
        self, workspace_id: WorkspaceId, document_id: DocumentId, generation: int, failure: Failure
    ) -> None:
        """
        Note that a generation that is being made can't have a document's present content.

        Nothing else that waits for the document fails.
        """
        ...

    def waits(self, workspace_id: WorkspaceId, operation_id: OperationId) -> bool:
        """Return whether an operation waits for a document; cheap, however many it has."""
        ...

    def is_whole(
        self, workspace_id: WorkspaceId, operation_id: OperationId, serving: int, following: int
    ) -> bool:
        """Return whether a generation has what the serving one has, but for what has failed."""
        ...

    def lost(
        self, workspace_id: WorkspaceId, operation_id: OperationId, serving: int, following: int
    ) -> list[ItemError]:
        """Return the failed documents that can be found in the one generation as they can't in the other."""
        ...

    def explain(
        self, workspace_id: WorkspaceId, operation_id: OperationId, errors: Sequence[ItemError]
    ) -> None:
        """Say more of why documents of an operation failed."""
        ...

    def discarded(self) -> list[tuple[WorkspaceId, int]]:
        """Return the generations on their way out."""
        ...

    def clear(self, workspace_id: WorkspaceId, generation: int, limit: int) -> bool:
        """Remove some rows of a generation on its way out; return False when that were the last."""
        ...
