"""Reading documents and the state of the index."""

from collections.abc import Mapping

from services.kernel.clock import Clock
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Page, Place, decode_token, encode_token, page_of, place_in
from services.knowledge.domain.change_feed import IndexState
from services.knowledge.domain.document import Document, DocumentId
from services.knowledge.domain.errors import DocumentNotFound, VersionNotFound
from services.knowledge.domain.ports.documents import ListFilters
from services.knowledge.domain.ports.store import Store, Transaction
from services.knowledge.domain.shown import Shown, places
from services.knowledge.domain.version import Version, present

# What the database takes for one.
_MAX_VERSION = 2**31 - 1


class ReadDocuments:
    """Answers questions about the documents of workspaces."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def get(self, workspace_id: WorkspaceId, document_id: DocumentId) -> Shown:
        """Return a document with its content; raise DocumentNotFound."""
        with self._store.read() as tx:
            document = _found(tx, workspace_id, document_id)
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

    def versions(
        self, workspace_id: WorkspaceId, document_id: DocumentId, page_size: int, page_token: str
    ) -> Page[Version]:
        """Return a document's versions without content, the present one first; raise DocumentNotFound."""
        bound = {"list": "versions", "document": document_id}
        below = _below(page_token, bound)
        with self._store.read() as tx:
            document = _found(tx, workspace_id, document_id)
            found = [present(document)] if below is None else []
            before = document.version if below is None else below
            found += tx.versions.page(workspace_id, document_id, before, page_size + 1 - len(found))
        shown = found[:page_size]
        more = len(found) > page_size
        return Page(shown, encode_token(bound, (shown[-1].number,)) if more else "")

    def version(
        self, workspace_id: WorkspaceId, document_id: DocumentId, number: int
    ) -> tuple[Version, bytes]:
        """Return a version of a document and its content; raise DocumentNotFound, VersionNotFound."""
        with self._store.read() as tx:
            document = _found(tx, workspace_id, document_id)
            is_present = number == document.version
            version = present(document) if is_present else tx.versions.get(workspace_id, document_id, number)
            content = None
            if version is not None:
                if not is_present:
                    content = tx.versions.content(workspace_id, document_id, version)
                if content is None and version.content_sha256 == document.content_sha256:
                    content = tx.documents.content(workspace_id, document_id)
        if version is None or content is None:
            raise VersionNotFound("The document has no such version, or it is not kept any more.")
        return version, content

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
            next_generation=base.next.generation.number if base.next else None,
            previous_generation=base.previous_generation,
            replicas=replicas,
        )


def _found(tx: Transaction, workspace_id: WorkspaceId, document_id: DocumentId) -> Document:
    document = tx.documents.get(workspace_id, document_id)
    if document is None:
        raise DocumentNotFound("There is no such document.")
    return document


def _below(page_token: str, bound: Mapping[str, object]) -> int | None:
    match decode_token(page_token, bound):
        case None:
            return None
        case (int() as number,) if 0 < number <= _MAX_VERSION:
            return number
    raise InvalidArgument.of([Violation("/page_token", "is not a token of this API")])
