"""Workspaces' settings in memory."""

from services.kernel.errors import DomainError
from services.kernel.ids import WorkspaceId
from services.query.domain.settings.answering import Answering, Change


class FakeAnsweringStore:
    """An `AnsweringStore`. Set `failure` to let both methods raise it; `reads` counts the looks."""

    def __init__(self) -> None:
        self.kept: dict[WorkspaceId, Answering] = {}
        self.failure: DomainError | None = None
        self.reads = 0

    def get(self, workspace_id: WorkspaceId) -> Answering:
        """Return a workspace's settings."""
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return self.kept.get(workspace_id, Answering())

    def change(self, workspace_id: WorkspaceId, change: Change) -> Answering:
        """Change them."""
        if self.failure is not None:
            raise self.failure
        changed = change.applied_to(self.kept.get(workspace_id, Answering()))
        self.kept[workspace_id] = changed
        return changed
