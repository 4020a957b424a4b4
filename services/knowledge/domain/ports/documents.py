"""The documents and their passages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.knowledge.domain.chunk_vectors import ChunkVectors
from services.knowledge.domain.chunking.passage import Chunk
from services.knowledge.domain.document import Document, DocumentId, Failure, Status


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
