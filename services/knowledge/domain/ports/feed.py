"""The change feed and the search replicas that follow it."""

from datetime import datetime
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import Changes, Position, Replica, ReplicaId, ReplicaState


class Feed(Protocol):
    """The change feed."""

    def changes(self, workspace_id: WorkspaceId, generation: int, after: int, answer_bytes: int) -> Changes:
        """Return what came after a revision, whole revisions, about `answer_bytes` of them."""
        ...


class Replicas(Protocol):
    """Who serves searches, and what they have."""

    def renew(self, replica: Replica, now: datetime, until: datetime) -> None:
        """Prolong a replica's lease and take its acknowledgements."""
        ...

    def behind(self, replica_id: ReplicaId, limit: int) -> list[Position]:
        """Return the newest positions that a replica has not acknowledged."""
        ...

    def confirmable(self, now: datetime) -> list[WorkspaceId]:
        """Return the workspaces in which something waits that every live replica has."""
        ...

    def floor(self, workspace_id: WorkspaceId, now: datetime) -> int | None:
        """Return the revision that every live replica has; None while there is none."""
        ...

    def states(self, workspace_id: WorkspaceId, now: datetime) -> list[ReplicaState]:
        """Return the live replicas."""
        ...
