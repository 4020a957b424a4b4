"""The change feed and the search replicas that follow it."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import (
    Changes,
    Head,
    LiveReplica,
    Replica,
    ReplicaId,
    ReplicaState,
    Switch,
)


class Feed(Protocol):
    """The change feed."""

    def changes(
        self,
        workspace_id: WorkspaceId,
        generation: int,
        after: int,
        answer_bytes: int,
        begun_at: int = 0,
    ) -> Changes:
        """
        Return what came after a revision, whole revisions, about `answer_bytes` of them.

        `begun_at`: the head when the asker began at 0. What was gone by then it never took, so that it misses
        no tombstones up to there; 0: not known.
        """
        ...


class Replicas(Protocol):
    """Who serves searches, and what they have."""

    def renew(self, replica: Replica, now: datetime, until: datetime) -> None:
        """Prolong a replica's lease and take its acknowledgements."""
        ...

    def behind(self, replica_id: ReplicaId, limit: int) -> list[Head]:
        """Return the heads that a replica has not acknowledged."""
        ...

    def following(self) -> tuple[list[Head], list[Switch]]:
        """Return the generations that are being made, and when which of them serve."""
        ...

    def confirmable(self, now: datetime, of: Collection[WorkspaceId] | None = None) -> list[WorkspaceId]:
        """Return those of the workspaces, or of all, where a document waits that every live replica has."""
        ...

    def hold_still(self) -> None:
        """
        Let no replica prolong its lease until the end of the transaction.

        Whoever prolongs it later reads what the transaction has committed.
        """
        ...

    def live(self, workspace_id: WorkspaceId, now: datetime) -> list[LiveReplica]:
        """Return what each live replica has of a workspace."""
        ...

    def floor(self, workspace_id: WorkspaceId, now: datetime) -> int | None:
        """
        Return the revision below which no live replica serves; None while there is none.

        Once a switch is set, that is so in both generations.
        """
        ...

    def erased_floor(self, workspace_id: WorkspaceId, now: datetime) -> int | None:
        """Return up to where no live replica's file has what was deleted; None while there is no replica."""
        ...

    def forget(self, workspace_id: WorkspaceId, generation: int) -> None:
        """Forget what replicas have of a generation: none is to count on their files of it."""
        ...

    def states(self, workspace_id: WorkspaceId, now: datetime) -> list[ReplicaState]:
        """Return the live replicas."""
        ...
