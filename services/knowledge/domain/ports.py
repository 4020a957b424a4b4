"""
What the rules need of the database.

One `Transaction` commits whole or not at all. Who changes a workspace calls `bases.lock` first: its writers
go one after the other, so that the order of commits is the order of revisions, and nobody waits for a lock in
another order.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.knowledge.domain.change_feed import (
    Changes,
    Position,
    Replica,
    ReplicaId,
    ReplicaState,
)
from services.knowledge.domain.chunk_vectors import ChunkVectors
from services.knowledge.domain.chunking.passage import Chunk
from services.knowledge.domain.document import Document, DocumentId, Failure, Status
from services.knowledge.domain.operation import NewOperation, Operation, OperationId
from services.knowledge.domain.queue import Claim, IndexerId, Pace, Source
from services.knowledge.domain.stock import Allowance, Stock, WorkspaceStock

# Comes before every workspace.
FIRST_WORKSPACE = WorkspaceId("")


@dataclass(frozen=True)
class Base:
    """The state of a workspace's knowledge base; no model until the first passage is there."""

    generation: int = 1
    revision: int = 0
    embedding_model: str = ""
    dimensions: int = 0


@dataclass(frozen=True)
class Totals:
    """Sums over a workspace's documents."""

    documents: int = 0
    chunks: int = 0
    bytes: int = 0
    pending: int = 0
    failed: int = 0


@dataclass(frozen=True)
class ListFilters:
    """Which documents a list shows; None or "": any."""

    status: str = ""
    active: bool | None = None
    tag: str = ""
    external_id: str = ""
    updated_after: datetime | None = None


@dataclass(frozen=True)
class IdempotentRequest:
    """A request that carries an `Idempotency-Key`."""

    principal: str
    method: str
    key: str
    body_hash: str


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


class Documents(Protocol):
    """The documents of all workspaces."""

    def get(self, workspace_id: WorkspaceId, document_id: DocumentId) -> Document | None:
        """Return a document."""
        ...

    def by_external_ids(
        self, workspace_id: WorkspaceId, external_ids: Collection[str]
    ) -> Mapping[str, Document]:
        """Return those that exist, by external id."""
        ...

    def content(self, workspace_id: WorkspaceId, document_id: DocumentId) -> bytes:
        """Return the content of a document that exists."""
        ...

    def page(
        self,
        workspace_id: WorkspaceId,
        filters: ListFilters,
        after: Place | None,
        limit: int,
    ) -> list[Document]:
        """Return documents older than `after`, newest first."""
        ...

    def totals(self, workspace_id: WorkspaceId) -> Totals:
        """Return the sums."""
        ...

    def add(self, workspace_id: WorkspaceId, document: Document, content: bytes) -> None:
        """Store a new document."""
        ...

    def update(
        self, workspace_id: WorkspaceId, document: Document, content: bytes | None, revised_at: datetime
    ) -> None:
        """Store a changed document; `content` None: as it was."""
        ...

    def delete(self, workspace_id: WorkspaceId, document: Document, revision: int, at: datetime) -> None:
        """Remove a document with all that was made of it; `revision` > 0: leave a tombstone in the feed."""
        ...

    def set_status(
        self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        status: Status,
        error: Failure | None = None,
    ) -> None:
        """Change how far a document is."""
        ...

    def publish(
        self, workspace_id: WorkspaceId, document_id: DocumentId, revision: int, chunks: int, at: datetime
    ) -> None:
        """Note that the passages of the present content are in the feed."""
        ...

    def confirm(self, workspace_id: WorkspaceId, floor: int, at: datetime) -> list[DocumentId]:
        """Make all that is published up to revision `floor` indexed; return what was."""
        ...


class Chunks(Protocol):
    """The passages of a workspace's present generation."""

    def replace(
        self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        chunks: Sequence[Chunk],
        vectors: Mapping[str, ChunkVectors],
        revision: int,
    ) -> None:
        """
        Make `chunks` the passages of a document, with tombstones for those that are no more.

        Those that `vectors` has are written, new or not; the others are there and stay as they are.

        Raises:
            ClaimLost: one that `vectors` does not have is not there.
        """
        ...


class Queue(Protocol):
    """Documents that wait for an indexer."""

    def put(
        self, workspace_id: WorkspaceId, document_id: DocumentId, content_version: int, at: datetime
    ) -> None:
        """Queue a document at a content version; a claim that somebody has on it is void."""
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

    def waits(self, model: str, now: datetime) -> bool:
        """Return whether there is something to claim; costs no lock."""
        ...

    def claim(
        self,
        owner: IndexerId,
        model: str,
        limit: int,
        now: datetime,
        until: datetime,
        after: WorkspaceId = FIRST_WORKSPACE,
    ) -> list[Claim]:
        """
        Claim at most `limit` documents until an instant, workspaces in turn, in the order of their turns.

        The turn is that of the workspace which follows `after`, the last one whose turn it was.

        Workspaces whose vectors are of another model are left alone, documents that indexers died of too
        often are failed.
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

    def postpone(self, workspace_id: WorkspaceId, claim: Claim, not_before: datetime, attempts: int) -> None:
        """Give a held claim back."""
        ...

    def finish(self, workspace_id: WorkspaceId, claim: Claim, at: datetime) -> None:
        """Take a held document out; it counts for the pace."""
        ...


class Operations(Protocol):
    """Operations and their items."""

    def add(self, workspace_id: WorkspaceId, operation: NewOperation) -> None:
        """Store an operation; one without pending items has ended."""
        ...

    def get(self, workspace_id: WorkspaceId, operation_id: OperationId) -> Operation | None:
        """Return an operation."""
        ...

    def page(self, workspace_id: WorkspaceId, after: Place | None, limit: int) -> list[Operation]:
        """Return operations older than `after`, newest first."""
        ...

    def documents_done(self, workspace_id: WorkspaceId, ids: Collection[DocumentId], at: datetime) -> None:
        """End well what waits for these documents."""
        ...

    def document_failed(
        self, workspace_id: WorkspaceId, document_id: DocumentId, failure: Failure, at: datetime
    ) -> None:
        """Fail what waits for a document."""
        ...

    def deletions_confirmed(self, workspace_id: WorkspaceId, floor: int, at: datetime) -> None:
        """End well the deletions up to revision `floor`."""
        ...

    def withdrawable(
        self, workspace_id: WorkspaceId, operation_id: OperationId
    ) -> list[tuple[DocumentId, bool]]:
        """
        Return the documents that an operation still waits for at their present content version.

        The flag says that no other operation waits for the document.
        """
        ...

    def cancel_items(
        self,
        workspace_id: WorkspaceId,
        operation_id: OperationId,
        ids: Collection[DocumentId],
        at: datetime,
    ) -> None:
        """Cancel the pending items of these documents."""
        ...


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


class Answers(Protocol):
    """First answers to idempotent requests."""

    def replay(self, workspace_id: WorkspaceId, request: IdempotentRequest) -> bytes | None:
        """Return the first answer; None for a first request, which this transaction must then answer."""
        ...

    def remember(self, workspace_id: WorkspaceId, request: IdempotentRequest, answer: bytes) -> None:
        """Keep the answer."""
        ...


class Stocks(Protocol):
    """What knowledge bases hold; and what of it access has been told."""

    def get(self, workspace_id: WorkspaceId) -> Stock:
        """Return the stock; whoever is to change it has locked the base."""
        ...

    def put(self, workspace_id: WorkspaceId, stock: Stock) -> None:
        """Store the stock at its next version."""
        ...

    def unreported(self, limit: int) -> list[WorkspaceStock]:
        """Return at most `limit` stocks that access has not been told."""
        ...

    def reported(self, stocks: Sequence[WorkspaceStock]) -> None:
        """Note that access has been told these."""
        ...


class Transaction(Protocol):
    """All of it within one transaction."""

    @property
    def bases(self) -> Bases: ...
    @property
    def documents(self) -> Documents: ...
    @property
    def chunks(self) -> Chunks: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def operations(self) -> Operations: ...
    @property
    def feed(self) -> Feed: ...
    @property
    def replicas(self) -> Replicas: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def stocks(self) -> Stocks: ...


class Store(Protocol):
    """
    The database.

    Both raise Unavailable when it does not answer; leaving `write` by an exception undoes everything.
    """

    def write(self) -> AbstractContextManager[Transaction]:
        """Begin a transaction that commits durably at its end."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """Begin a snapshot."""
        ...


class Allowances(Protocol):
    """How much workspaces may have."""

    def of(self, workspace_id: WorkspaceId) -> Allowance | None:
        """Return what a workspace may have; None where nobody can say: it is not to be held up then."""
        ...
