"""What waits for an indexer."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.queue import Claim, IndexerId, Pace, Source

# Comes before every workspace.
FIRST_WORKSPACE = WorkspaceId("")


class Queue(Protocol):
    """Documents that wait for an indexer."""

    def put(
        self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        content_version: int,
        at: datetime,
        *,
        background: bool = False,
        anew: bool = False,
    ) -> None:
        """
        Queue a document at a content version; a claim that somebody has on it is void.

        One that waits in the background comes to the fore. `background`: behind all that callers have just
        written; one that is queued or claimed already stays as it is. `anew`: its passages are all embedded,
        also those that are there.
        """
        ...

    def put_lacking(self, workspace_id: WorkspaceId, generation: int, at: datetime) -> None:
        """Queue in the background all documents whose present content a generation does not have."""
        ...

    def drop_background(self, workspace_id: WorkspaceId) -> None:
        """Take out what `put_lacking` has put; claims on it are void."""
        ...

    def withdraw(self, workspace_id: WorkspaceId, document_id: DocumentId, at: datetime) -> bool:
        """Take a document out unless an indexer holds it; return whether that was done."""
        ...

    def places(self, workspace_id: WorkspaceId, ids: Collection[DocumentId]) -> Mapping[DocumentId, int]:
        """Return the place, from 1, of those that wait in the workspace's queue."""
        ...

    def pace(self, workspace_id: WorkspaceId) -> Pace:
        """Return how fast the workspace's documents were indexed of late."""
        ...

    def waits(self, models: Collection[str], now: datetime) -> bool:
        """Return whether there is something to claim; costs no lock."""
        ...

    def left_alone(self, models: Collection[str], now: datetime) -> list[WorkspaceId]:
        """Return where something waits that nobody who has just these models can claim."""
        ...

    def claim(
        self,
        owner: IndexerId,
        models: Collection[str],
        limit: int,
        now: datetime,
        until: datetime,
        after: WorkspaceId = FIRST_WORKSPACE,
    ) -> list[Claim]:
        """
        Claim at most `limit` documents until an instant, workspaces in turn, in the order of their turns.

        The turn is that of the workspace which follows `after`, the last one whose turn it was.

        Workspaces that write a generation of a model that is none of `models` are left alone.
        """
        ...

    def renew(self, owner: IndexerId, claims: Collection[Claim], until: datetime) -> None:
        """Keep claims for longer."""
        ...

    def source(self, workspace_id: WorkspaceId, claim: Claim) -> Source:
        """Return what a claimed document is made of; raise ClaimLost when the claim is void."""
        ...

    def hold(self, workspace_id: WorkspaceId, claim: Claim, owner: IndexerId) -> None:
        """Raise ClaimLost unless the claim is still good; it stays so until the end of the transaction."""
        ...

    def postpone(
        self,
        workspace_id: WorkspaceId,
        claim: Claim,
        not_before: datetime,
        attempts: int,
        *,
        background: bool = False,
    ) -> None:
        """Give a held claim back, to the background where no caller waits for what is left to do."""
        ...

    def finish(self, workspace_id: WorkspaceId, claim: Claim, at: datetime) -> None:
        """Take a held document out, unless it is wanted anew since; it counts for the pace."""
        ...
