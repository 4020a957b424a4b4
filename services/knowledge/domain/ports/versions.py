"""Earlier versions of documents."""

from datetime import datetime
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import Document, DocumentId
from services.knowledge.domain.version import Version


class Versions(Protocol):
    """What documents were before they were changed."""

    def keep(
        self,
        workspace_id: WorkspaceId,
        present: Document,
        seen_until: int,
        at: datetime,
        *,
        with_content: bool,
    ) -> None:
        """
        Keep a document as it is stored now, before it is changed.

        Search sees its fields up to before revision `seen_until`. `with_content`: the content changes, too;
        one that stays is found with the next version that has it.
        """
        ...

    def get(self, workspace_id: WorkspaceId, document_id: DocumentId, number: int) -> Version | None:
        """Return an earlier version."""
        ...

    def content(self, workspace_id: WorkspaceId, document_id: DocumentId, version: Version) -> bytes | None:
        """Return what a version's content was; None where it is not kept."""
        ...

    def page(
        self, workspace_id: WorkspaceId, document_id: DocumentId, before: int, limit: int
    ) -> list[Version]:
        """Return the versions below number `before`, newest first."""
        ...

    def delete(self, workspace_id: WorkspaceId, document_id: DocumentId) -> tuple[int, int]:
        """Remove a document's versions and their passages; return how many, and their contents' bytes."""
        ...

    def expired(self, before: datetime) -> WorkspaceId | None:
        """Return a workspace that keeps something which was replaced before an instant."""
        ...

    def prune(self, workspace_id: WorkspaceId, before: datetime, limit: int) -> int:
        """
        Remove at most `limit` versions of documents, and of passages, that were replaced before an instant.

        What search saw until then can't be asked for any more. The base must be locked. Returns how many.
        """
        ...
