"""Reading documents and the state of the index."""

from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Page, Place, page_of, place_in
from services.knowledge.domain.change_feed import IndexState
from services.knowledge.domain.document import Document, DocumentId
from services.knowledge.domain.errors import DocumentNotFound
from services.knowledge.domain.ports.documents import ListFilters
from services.knowledge.domain.ports.store import Store
from services.knowledge.domain.shown import Shown, places


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
            place = places(tx, workspace_id, [document], self._clock.now()).get(document_id)
            return Shown(document, content, place)

    def show(self, workspace_id: WorkspaceId, document: Document) -> Shown:
        """Return a document that was just written with its place in the queue."""
        with self._store.read() as tx:
            place = places(tx, workspace_id, [document], self._clock.now()).get(document.id)
            return Shown(document, None, place)

    def page(
        self, workspace_id: WorkspaceId, filters: ListFilters, page_size: int, page_token: str
    ) -> Page[Shown]:
        """Return documents without their content, newest first."""
        bound = {"list": "documents", **vars(filters)}
        after = place_in(page_token, bound)
        with self._store.read() as tx:
            documents = tx.documents.page(workspace_id, filters, after, page_size + 1)
            waiting = places(tx, workspace_id, documents, self._clock.now())
        found = [Shown(each, None, waiting.get(each.id)) for each in documents]
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
            embedding_model=base.serving.embedding_model,
            dimensions=base.serving.dimensions,
            generation=base.serving.number,
            replicas=replicas,
        )
