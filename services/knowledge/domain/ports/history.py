"""What is over, and kept for who looks or comes back late."""

from datetime import datetime
from typing import Protocol

from services.kernel.ids import WorkspaceId


class History(Protocol):
    """Ended operations, and tombstones in the change feed."""

    def with_ended(self, before: datetime) -> WorkspaceId | None:
        """Return a workspace that has operations which ended before an instant."""
        ...

    def prune_operations(self, workspace_id: WorkspaceId, before: datetime, limit: int) -> int:
        """Remove some operations that ended before an instant, the eldest first; return how many."""
        ...

    def with_buried(self) -> list[WorkspaceId]:
        """Return the workspaces that have tombstones."""
        ...

    def revision_before(self, workspace_id: WorkspaceId, before: datetime) -> int:
        """Return a revision that was handed out before an instant, about the last; 0: none is known."""
        ...

    def prune_tombstones(self, workspace_id: WorkspaceId, revision: int, limit: int) -> int:
        """
        Remove some tombstones up to a revision; return how many.

        Who is behind the revision begins anew from then on. The base must be locked.
        """
        ...
