"""Writing documents: one request is one transaction, durable before it is acknowledged."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from services.kernel.clock import Clock
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId, new_id
from services.knowledge.domain.batch import MAX_BATCH, Proposed, distinct
from services.knowledge.domain.document import (
    Description,
    Digest,
    Document,
    DocumentId,
    Draft,
    Failure,
    Patch,
    Status,
    new_document,
)
from services.knowledge.domain.draft import check_content
from services.knowledge.domain.errors import DocumentNotFound, EtagMismatch, ExternalIdTaken
from services.knowledge.domain.operation import (
    Item,
    ItemState,
    Kind,
    NewOperation,
    Operation,
    OperationId,
)
from services.knowledge.domain.ports import IdempotentRequest, Store, Transaction


class WriteDocuments:
    """Creates, replaces, changes and deletes the documents of workspaces."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create(
        self,
        workspace_id: WorkspaceId,
        draft: Draft,
        request: IdempotentRequest | None,
        encode: Callable[[Document], bytes],
    ) -> bytes:
        """
        Create a document; return the answer to it, the first one where the request is a repeated one.

        Raises:
            ExternalIdTaken: there is one with this external id.
        """
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            first = tx.answers.replay(workspace_id, request) if request else None
            if first is not None:
                return first
            taken = _by_external_id(tx, workspace_id, draft.description.external_id)
            if taken is not None:
                raise ExternalIdTaken(taken.id)
            document = self._add(tx, workspace_id, draft)
            self._operation(tx, workspace_id, Kind.WRITE, [_item(0, document)])
            answer = encode(document)
            if request:
                tx.answers.remember(workspace_id, request, answer)
            return answer

    def put(self, workspace_id: WorkspaceId, draft: Draft, if_match: str) -> Document:
        """
        Create or replace the document of an external id.

        Raises:
            EtagMismatch: `if_match` names another state, or one at all where there is none.
        """
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            present = _by_external_id(tx, workspace_id, draft.description.external_id)
            if present is None:
                if if_match:
                    raise EtagMismatch("There is no document with this external_id.")
                document = self._add(tx, workspace_id, draft)
                self._operation(tx, workspace_id, Kind.WRITE, [_item(0, document)])
                return document
            present.check_precondition(if_match)
            return self._change(tx, workspace_id, present, draft.description, draft.content, retry=True)

    def patch(
        self, workspace_id: WorkspaceId, document_id: DocumentId, patch: Patch, if_match: str
    ) -> Document:
        """
        Change the given fields of a document.

        Raises:
            DocumentNotFound, EtagMismatch: as they say.
            InvalidArgument: new content is not as the type wants it, or the content not as the new type does.
        """
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            present = _found(tx.documents.get(workspace_id, document_id))
            present.check_precondition(if_match)
            retry = patch.content is not None
            description = patch.of(present.description)
            if patch.content is not None or patch.content_type is not None:
                content = (
                    tx.documents.content(workspace_id, document_id)
                    if patch.content is None
                    else patch.content
                )
                violations = check_content(description.content_type, content)
                if violations:
                    raise InvalidArgument.of(violations)
            return self._change(tx, workspace_id, present, description, patch.content, retry=retry)

    def batch(
        self,
        workspace_id: WorkspaceId,
        documents: Sequence[Proposed],
        request: IdempotentRequest | None,
        encode: Callable[[Operation], bytes],
    ) -> bytes:
        """
        Create or replace documents by their external ids; return the answer, as `create` does.

        A bad one fails alone; one that would change nothing costs nothing.

        Raises:
            InvalidArgument: there are none, or too many.
        """
        if not 1 <= len(documents) <= MAX_BATCH:
            raise InvalidArgument.of([Violation("/documents", f"must have 1 to {MAX_BATCH} entries")])
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            first = tx.answers.replay(workspace_id, request) if request else None
            if first is not None:
                return first
            present = tx.documents.by_external_ids(
                workspace_id, {each.external_id for each in documents if each.external_id}
            )
            items = [
                self._batch_item(tx, workspace_id, place, each, present.get(each.external_id))
                for place, each in enumerate(distinct(documents))
            ]
            operation_id = self._operation(tx, workspace_id, Kind.BATCH, items)
            answer = encode(_stored(tx, workspace_id, operation_id))
            if request:
                tx.answers.remember(workspace_id, request, answer)
            return answer

    def delete(self, workspace_id: WorkspaceId, document_id: DocumentId, if_match: str) -> Operation:
        """
        Delete a document; the operation succeeds when no search can return it.

        Raises:
            DocumentNotFound, EtagMismatch: as they say.
        """
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            document = _found(tx.documents.get(workspace_id, document_id))
            return self._delete(tx, workspace_id, document, if_match)

    def delete_by_external_id(self, workspace_id: WorkspaceId, external_id: str, if_match: str) -> Operation:
        """Delete the document of an external id; see `delete`."""
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            document = _found(_by_external_id(tx, workspace_id, external_id))
            return self._delete(tx, workspace_id, document, if_match)

    def _batch_item(
        self,
        tx: Transaction,
        workspace_id: WorkspaceId,
        place: int,
        proposed: Proposed,
        present: Document | None,
    ) -> Item:
        if isinstance(proposed.proposal, Failure):
            return Item(place, None, proposed.external_id, ItemState.FAILED, error=proposed.proposal)
        draft = proposed.proposal
        if present is None:
            return _item(place, self._add(tx, workspace_id, draft))
        now = self._clock.now()
        after = present.revised(draft.description, Digest.of(draft.content), now, retry=True)
        if after.changed:
            document = self._save(tx, workspace_id, after.document, draft.content, after.visible, now)
            if after.reindex:
                tx.queue.put(workspace_id, document.id, document.content_version, now)
            return _item(place, document)
        return replace(_item(place, present), unchanged=True)

    def _add(self, tx: Transaction, workspace_id: WorkspaceId, draft: Draft) -> Document:
        now = self._clock.now()
        document = new_document(DocumentId(new_id("doc")), draft, now)
        tx.documents.add(workspace_id, document, draft.content)
        tx.queue.put(workspace_id, document.id, document.content_version, now)
        return document

    def _change(
        self,
        tx: Transaction,
        workspace_id: WorkspaceId,
        present: Document,
        description: Description,
        content: bytes | None,
        *,
        retry: bool,
    ) -> Document:
        now = self._clock.now()
        digest = Digest(present.content_sha256, present.bytes) if content is None else Digest.of(content)
        after = present.revised(description, digest, now, retry=retry)
        if not after.changed:
            return present
        document = self._save(tx, workspace_id, after.document, content, after.visible, now)
        if after.reindex:
            tx.queue.put(workspace_id, document.id, document.content_version, now)
            self._operation(tx, workspace_id, Kind.WRITE, [_item(0, document)])
        return document

    def _save(
        self,
        tx: Transaction,
        workspace_id: WorkspaceId,
        document: Document,
        content: bytes | None,
        visible: bool,
        now: datetime,
    ) -> Document:
        if visible:
            document = replace(document, revision=tx.bases.next_revision(workspace_id))
        tx.documents.update(workspace_id, document, content, now)
        return document

    def _delete(
        self, tx: Transaction, workspace_id: WorkspaceId, document: Document, if_match: str
    ) -> Operation:
        document.check_precondition(if_match)
        now = self._clock.now()
        revision = tx.bases.next_revision(workspace_id) if document.in_feed else 0
        tx.documents.delete(workspace_id, document, revision, now)
        # Who waited for the document need not wait any more.
        tx.operations.documents_done(workspace_id, [document.id], now)
        state = ItemState.PENDING if revision else ItemState.DONE
        external_id = document.description.external_id
        item = Item(0, document.id, external_id, state, document.content_version, revision)
        operation_id = self._operation(tx, workspace_id, Kind.DELETE, [item])
        return _stored(tx, workspace_id, operation_id)

    def _operation(
        self, tx: Transaction, workspace_id: WorkspaceId, kind: Kind, items: Sequence[Item]
    ) -> OperationId:
        operation = NewOperation(OperationId(new_id("op")), kind, self._clock.now(), items)
        tx.operations.add(workspace_id, operation)
        return operation.id


def _item(place: int, document: Document) -> Item:
    state = ItemState.DONE if document.status is Status.INDEXED else ItemState.PENDING
    external_id = document.description.external_id
    return Item(place, document.id, external_id, state, document.content_version)


def _by_external_id(tx: Transaction, workspace_id: WorkspaceId, external_id: str) -> Document | None:
    if not external_id:
        return None
    return tx.documents.by_external_ids(workspace_id, [external_id]).get(external_id)


def _found(document: Document | None) -> Document:
    if document is None:
        raise DocumentNotFound("There is no such document.")
    return document


def _stored(tx: Transaction, workspace_id: WorkspaceId, operation_id: OperationId) -> Operation:
    operation = tx.operations.get(workspace_id, operation_id)
    if operation is None:
        raise LookupError(operation_id)
    return operation
