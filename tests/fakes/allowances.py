"""What workspaces may have, as a test says."""

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.stock import Allowance


class FakeAllowances:
    """Knows of no limits but those that were set."""

    def __init__(self) -> None:
        self._set: dict[WorkspaceId, Allowance] = {}

    def set(self, workspace_id: WorkspaceId, allowance: Allowance) -> None:
        """Limit a workspace."""
        self._set[workspace_id] = allowance

    def of(self, workspace_id: WorkspaceId) -> Allowance | None:
        """Return what a workspace may have."""
        return self._set.get(workspace_id)
