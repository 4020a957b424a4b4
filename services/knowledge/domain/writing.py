"""What one request changes in a workspace's documents, within its transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.kernel.ids import WorkspaceId, new_id
from services.knowledge.domain.batch import Proposed
from services.knowledge.domain.deletion import Deletion
from services.knowledge.domain.document import (
    Description,
    Digest,
    Document,
    DocumentId,
    Draft,
    Failure,
    Revision,
    Status,
    new_document,
)
from services.knowledge.domain.errors import DocumentNotFound, QuotaExceeded
from services.knowledge.domain.operation import (
    Item,
    ItemState,
    Kind,
    NewOperation,
    Operation,
    OperationId,
)
from services.knowledge.domain.ports.store import Transaction
from services.knowledge.domain.receipt import Receipt
from services.knowledge.domain.stock import Shelf


@dataclass(frozen=True)
class Writing:
    """One request's changes; the workspace is locked."""

    tx: Transaction
    workspace_id: WorkspaceId
    shelf: Shelf
    now: datetime

    def found(self, document_id: DocumentId) -> Document:
        """Return a document; raise DocumentNotFound."""
        return _found(self.tx.documents.get(self.workspace_id, document_id))

    def by_external_id(self, external_id: str) -> Document | None:
        """Return the document of an external id; "" is none."""
        if not external_id:
            return None
        return self.tx.documents.by_external_ids(self.workspace_id, [external_id]).get(external_id)

    def found_by_external_id(self, external_id: str) -> Document:
        """Return the document of an external id; raise DocumentNotFound."""
        return _found(self.by_external_id(external_id))

    def add(self, draft: Draft) -> Document:
        """Add a document to the store and to the queue; raise QuotaExceeded."""
        document = new_document(DocumentId(new_id("doc")), draft, self.now)
        self.shelf.add(document.bytes)
        self.tx.documents.add(self.workspace_id, document, draft.content)
        self.tx.queue.put(self.workspace_id, document.id, document.content_version, self.now)
        return document

    def change(
        self, present: Document, description: Description, content: bytes | None, *, retry: bool
    ) -> Revision:
        """Make a document what is wanted, where it is not so already; raise QuotaExceeded."""
        digest = Digest(present.content_sha256, present.bytes) if content is None else Digest.of(content)
        after = present.revised(description, digest, self.now, retry=retry)
        if not after.changed:
            return after
        document = after.document
        self.shelf.replace(present.bytes, document.bytes)
        if after.visible:
            revision = self.tx.bases.next_revision(self.workspace_id)
            document = replace(document, revision=revision, seen_since=revision)
        self.tx.versions.keep(
            self.workspace_id,
            present,
            document.seen_since,
            self.now,
            with_content=digest.sha256 != present.content_sha256,
        )
        self.tx.documents.update(self.workspace_id, document, content, self.now)
        if after.reindex:
            self.tx.queue.put(self.workspace_id, document.id, document.content_version, self.now)
        return replace(after, document=document)

    def batch_item(self, place: int, proposed: Proposed, present: Document | None) -> Item:
        """Write one document of a batch; what is wrong with it is in its item."""
        draft = proposed.proposal
        if isinstance(draft, Failure):
            return Item(place, None, proposed.external_id, ItemState.FAILED, error=draft)
        try:
            if present is None:
                return item(place, self.add(draft))
            after = self.change(present, draft.description, draft.content, retry=True)
        except QuotaExceeded as error:
            name = None if present is None else present.id
            failure = Failure(error.reason, error.detail)
            return Item(place, name, proposed.external_id, ItemState.FAILED, error=failure)
        return replace(item(place, after.document), unchanged=not after.changed)

    def delete(self, document: Document) -> Operation:
        """Delete a document with all its versions; the operation ends when nothing is left of it anywhere."""
        tx, workspace_id = self.tx, self.workspace_id
        revision = tx.bases.next_revision(workspace_id) if self._travelled(document) else 0
        self.shelf.remove(document.bytes)
        chunks = tx.chunks.delete_document(workspace_id, document.id)
        versions, size = tx.versions.delete(workspace_id, document.id)
        tx.documents.delete(workspace_id, document, revision, self.now)
        tx.answers.forget(workspace_id, document.id)
        # Who waited for the document need not wait any more.
        tx.operations.document_gone(workspace_id, document.id, self.now)
        item = Item(
            0, document.id, document.description.external_id, content_version=document.content_version
        )
        operation = self.operation(Kind.DELETE, [item])
        receipt = Receipt(chunks, versions, document.bytes + size)
        tx.deletions.add(workspace_id, Deletion(operation.id, document.id, revision, receipt))
        return replace(operation, receipt=receipt)

    def _travelled(self, document: Document) -> bool:
        """Whether replicas may have something of a document: also one that only the next index has."""
        if document.in_feed:
            return True
        stored = self.tx.bases.stored(self.workspace_id)
        return bool(self.tx.chunks.holdings(self.workspace_id, document.id, stored))

    def operation(self, kind: Kind, items: Sequence[Item]) -> Operation:
        """Add an operation and return it as it is then."""
        operation_id = OperationId(new_id("op"))
        self.tx.operations.add(self.workspace_id, NewOperation(operation_id, kind, self.now, items))
        operation = self.tx.operations.get(self.workspace_id, operation_id)
        if operation is None:
            raise LookupError(operation_id)
        return operation


def item(place: int, document: Document) -> Item:
    """Return the item of an operation that waits for a document."""
    state = ItemState.DONE if document.status is Status.INDEXED else ItemState.PENDING
    external_id = document.description.external_id
    return Item(place, document.id, external_id, state, document.content_version)


def _found(document: Document | None) -> Document:
    if document is None:
        raise DocumentNotFound("There is no such document.")
    return document
