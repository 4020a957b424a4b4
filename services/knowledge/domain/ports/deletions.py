"""Deletions that have not ended, and who keeps what they concern."""

from collections.abc import Collection, Sequence
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.deletion import Deletion
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.operation import OperationId


class Deletions(Protocol):
    """Deletions in the database."""

    def add(self, workspace_id: WorkspaceId, deletion: Deletion) -> None:
        """Begin a deletion, whose operation is stored."""
        ...

    def waiting(self) -> list[WorkspaceId]:
        """Return the workspaces in which some deletion has not ended."""
        ...

    def pending(self, workspace_id: WorkspaceId, limit: int) -> list[Deletion]:
        """Return deletions that have not ended, the eldest first."""
        ...

    def note(self, workspace_id: WorkspaceId, deletion: Deletion) -> None:
        """Store what is known of a deletion by now."""
        ...

    def remove(self, workspace_id: WorkspaceId, ids: Collection[OperationId]) -> None:
        """Note that deletions have ended."""
        ...


class KeptAnswers(Protocol):
    """Answers to questions that are kept for who asks again."""

    def forget(self, workspace_id: WorkspaceId, ids: Sequence[DocumentId]) -> Sequence[int]:
        """
        Forget what cites documents, at most 1,000, and keep nothing that will; safe to repeat.

        Returns how many answers cited each.

        Raises:
            Unavailable, DeadlineExceeded: nobody can say that it was done.
        """
        ...
