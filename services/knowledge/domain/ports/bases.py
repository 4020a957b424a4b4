"""The knowledge bases: one row per workspace."""

from dataclasses import dataclass
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.generation import Generation, NextGeneration

_FIRST = Generation(1)


@dataclass(frozen=True)
class Base:
    """
    The state of a workspace's knowledge base.

    `serving` has no model until the first passage is there. What was so before `past_from_revision` is not
    kept.
    """

    serving: Generation = _FIRST
    revision: int = 0
    next: NextGeneration | None = None
    previous_generation: int | None = None
    past_from_revision: int = 0

    @property
    def written(self) -> tuple[Generation, ...]:
        """The generations that writes go into."""
        return (self.serving,) if self.next is None else (self.serving, self.next.generation)


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

    def use_model(self, workspace_id: WorkspaceId, generation: int, model: str, dimensions: int) -> None:
        """Say which model the vectors of a generation are of; raise ModelMismatch for another."""
        ...
