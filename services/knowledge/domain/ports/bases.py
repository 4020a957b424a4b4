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

    def lock(self, workspace_id: WorkspaceId, patience_seconds: float | None = None) -> Base:
        """
        Keep other writers of the workspace waiting until the end of the transaction.

        Raises:
            Unavailable: it took longer than `patience_seconds`, or far too long.
        """
        ...

    def get(self, workspace_id: WorkspaceId) -> Base:
        """Return the state, also of a workspace that has never written."""
        ...

    def next_revision(self, workspace_id: WorkspaceId) -> int:
        """Return the revision of this transaction, the same for all its changes. The base must be locked."""
        ...

    def add_generation(self, workspace_id: WorkspaceId, model: str, dimensions: int) -> Generation:
        """Return a generation with a number that was never given before."""
        ...

    def follow(
        self, workspace_id: WorkspaceId, following: NextGeneration | None, previous: int | None
    ) -> None:
        """Note which generation is being made, how far it is, and which one a rollback would bring back."""
        ...

    def switch(self, workspace_id: WorkspaceId) -> None:
        """Let the next generation serve from the present revision on; the one before becomes the previous."""
        ...

    def discard(self, workspace_id: WorkspaceId, generation: int) -> None:
        """Give up a generation: its rows are removed by and by, and the past up to its end is not kept."""
        ...

    def stored(self, workspace_id: WorkspaceId) -> tuple[int, ...]:
        """Return all generations of which there may be rows: those in use and those on their way out."""
        ...

    def reindexing(self) -> list[WorkspaceId]:
        """Return the workspaces in which a generation is being made."""
        ...

    def use_model(self, workspace_id: WorkspaceId, generation: int, model: str, dimensions: int) -> None:
        """Say which model the vectors of a generation are of; raise ModelMismatch for another."""
        ...
