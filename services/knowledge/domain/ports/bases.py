"""The knowledge bases: one row per workspace."""

from dataclasses import dataclass
from typing import Protocol

from services.kernel.ids import WorkspaceId


@dataclass(frozen=True)
class Base:
    """The state of a workspace's knowledge base; no model until the first passage is there."""

    generation: int = 1
    revision: int = 0
    embedding_model: str = ""
    dimensions: int = 0


class Bases(Protocol):
    """One row per workspace, which hands out its revisions."""

    def lock(self, workspace_id: WorkspaceId) -> Base:
        """Keep other writers of the workspace waiting until the end of the transaction."""
        ...

    def get(self, workspace_id: WorkspaceId) -> Base:
        """Return the state, also of a workspace that has never written."""
        ...

    def next_revision(self, workspace_id: WorkspaceId) -> int:
        """Return the revision of this transaction, the same for all its changes. The base must be locked."""
        ...

    def use_model(self, workspace_id: WorkspaceId, model: str, dimensions: int) -> None:
        """Say which model the vectors of the present generation are of; raise ModelMismatch for another."""
        ...
