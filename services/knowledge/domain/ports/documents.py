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
        """Remove a document and its place in the queue; `revision` > 0: leave a tombstone in the feed."""
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
        self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        revision: int,
        chunks: int,
        embedded: int,
        at: datetime,
    ) -> None:
        """Note that the passages of the present content are in the feed, so many of them embedded for it."""
        ...

    def confirm(self, workspace_id: WorkspaceId, floor: int, at: datetime, limit: int) -> list[DocumentId]:
        """Make some of what is published up to revision `floor` indexed, the eldest; return what was."""
        ...


@dataclass(frozen=True)
class Holding:
    """What a generation has of a document: so many passages of a content version."""

    content_version: int
    chunks: int


@dataclass(frozen=True)
class IndexedContent:
    """A document's content as passages; those that `vectors` does not have are in the index already."""

    document_id: DocumentId
    content_version: int
    chunks: Sequence[Chunk]
    vectors: Mapping[str, ChunkVectors]


class Chunks(Protocol):
    """The passages of a workspace's generations."""

    def holdings(
        self, workspace_id: WorkspaceId, document_id: DocumentId, generations: Collection[int]
    ) -> Mapping[int, Holding]:
        """Return what generations have of a document."""
        ...

    def replace(
        self, workspace_id: WorkspaceId, generation: int, content: IndexedContent, revision: int, at: datetime
    ) -> None:
        """
        Make `content` what a generation has of a document, with tombstones for passages that are no more.

        What is replaced in a generation that serves, or once did, is kept as a version.

        Raises:
            ClaimLost: a passage that is not written is not there.
        """
        ...

    def delete_document(self, workspace_id: WorkspaceId, document_id: DocumentId) -> int:
        """Remove all passages of a document from all generations, with no tombstones; return how many."""
        ...
