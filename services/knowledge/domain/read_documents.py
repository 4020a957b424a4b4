"""Reading documents and the state of the index."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Page, Place, page_of, place_in
from services.knowledge.domain.change_feed import IndexState
from services.knowledge.domain.document import Document, DocumentId, Status
from services.knowledge.domain.errors import DocumentNotFound
from services.knowledge.domain.ports import ListFilters, Store, Transaction


@dataclass(frozen=True)
class QueuePlace:
    """Where a document waits, from 1, and when it will be ready if all goes on as of late."""

    position: int
    ready_at: datetime


@dataclass(frozen=True)
class Shown:
    """A document as it is shown; content only where it was asked for, a place only while it is queued."""

    document: Document
    content: bytes | None = None
    place: QueuePlace | None = None


class ReadDocuments:
    """Answers questions about the documents of workspaces."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def get(self, workspace_id: WorkspaceId, document_id: DocumentId) -> Shown:
        """Return a document with its content; raise DocumentNotFound."""
        with self._store.read() as tx:
            document = tx.documents.get(workspace_id, document_id)
            if document is None:
                raise DocumentNotFound("There is no such document.")
            content = tx.documents.content(workspace_id, document_id)
            places = self._places(tx, workspace_id, [document])
            return Shown(document, content, places.get(document_id))

    def show(self, workspace_id: WorkspaceId, document: Document) -> Shown:
        """Return a document that was just written with its place in the queue."""
        with self._store.read() as tx:
            return Shown(document, None, self._places(tx, workspace_id, [document]).get(document.id))

    def page(
        self, workspace_id: WorkspaceId, filters: ListFilters, page_size: int, page_token: str
    ) -> Page[Shown]:
        """Return documents without their content, newest first."""
        bound = {"list": "documents", **vars(filters)}
        after = place_in(page_token, bound)
        with self._store.read() as tx:
            documents = tx.documents.page(workspace_id, filters, after, page_size + 1)
            places = self._places(tx, workspace_id, documents)
        found = [Shown(each, None, places.get(each.id)) for each in documents]
        return page_of(
            found, page_size, bound, lambda shown: Place(shown.document.created_at, shown.document.id)
        )

    def index(self, workspace_id: WorkspaceId) -> IndexState:
        """Return the state of the index and of the replicas that serve it."""
        now = self._clock.now()
        with self._store.read() as tx:
            base = tx.bases.get(workspace_id)
            totals = tx.documents.totals(workspace_id)
            replicas = tx.replicas.states(workspace_id, now)
        return IndexState(
            documents=totals.documents,
            chunks=totals.chunks,
            bytes=totals.bytes,
            revision=base.revision,
            indexed_revision=min((each.revision for each in replicas), default=0),
            pending=totals.pending,
            failed=totals.failed,
            embedding_model=base.embedding_model,
            dimensions=base.dimensions,
            generation=base.generation,
            replicas=replicas,
        )

    def _places(
        self, tx: Transaction, workspace_id: WorkspaceId, documents: list[Document]
    ) -> Mapping[DocumentId, QueuePlace]:
        queued = [each.id for each in documents if each.status is Status.QUEUED]
        if not queued:
            return {}
        pace, now = tx.queue.pace(workspace_id), self._clock.now()
        return {
            document_id: QueuePlace(place, now + timedelta(seconds=pace * place))
            for document_id, place in tx.queue.places(workspace_id, queued).items()
        }
