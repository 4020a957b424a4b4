"""Writing documents: one request is one transaction, durable before it is acknowledged."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from services.kernel.clock import Clock
from services.kernel.errors import InvalidArgument
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.answered_once import answered_once
from services.knowledge.domain.batch import Proposed, check_size, distinct
from services.knowledge.domain.document import Document, DocumentId, Draft, Patch
from services.knowledge.domain.draft import check_content
from services.knowledge.domain.errors import EtagMismatch, ExternalIdTaken
from services.knowledge.domain.operation import Kind, Operation
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.knowledge.domain.ports.stocks import Allowances
from services.knowledge.domain.ports.store import Store
from services.knowledge.domain.shown import Shown, places
from services.knowledge.domain.stock import Allowance, Shelf
from services.knowledge.domain.writing import Writing, item


class WriteDocuments:
    """
    Creates, replaces, changes and deletes the documents of workspaces.

    What makes a knowledge base larger than its workspace may have raises QuotaExceeded; replacing a document
    by a smaller one and deleting always work.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        allowances: Allowances,
        stock_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`stock_changed` is called after each commit that changed how much some workspace holds."""
        self._store = store
        self._clock = clock
        self._allowances = allowances
        self._stock_changed = stock_changed

    def create(
        self,
        workspace_id: WorkspaceId,
        draft: Draft,
        request: IdempotentRequest | None,
        encode: Callable[[Shown], bytes],
    ) -> bytes:
        """
        Create a document; return the answer to it, the first one where the request is a repeated one.

        Raises:
            ExternalIdTaken: there is one with this external id.
            DocumentNotFound: the document that was created with this key has been deleted.
        """
        with self._writing(workspace_id, self._allowances.of(workspace_id)) as writing:
            tx = writing.tx
            first = tx.answers.replay(workspace_id, request) if request else None
            if first is not None:
                return first
            taken = writing.by_external_id(draft.description.external_id)
            if taken is not None:
                raise ExternalIdTaken(taken.id)
            document = writing.add(draft)
            writing.operation(Kind.WRITE, [item(0, document)])
            place = places(tx, workspace_id, [document], writing.now).get(document.id)
            answer = encode(Shown(document, None, place))
            if request:
                tx.answers.remember(workspace_id, request, answer, shows=document.id)
            return answer

    def put(self, workspace_id: WorkspaceId, draft: Draft, if_match: str) -> Document:
        """
        Create or replace the document of an external id.

        Raises:
            EtagMismatch: `if_match` names another state, or one at all where there is none.
        """
        with self._writing(workspace_id, self._allowances.of(workspace_id)) as writing:
            present = writing.by_external_id(draft.description.external_id)
            if present is not None:
                present.check_precondition(if_match)
                after = writing.change(present, draft.description, draft.content, retry=True)
                if after.reindex:
                    writing.operation(Kind.WRITE, [item(0, after.document)])
                return after.document
            if if_match:
                raise EtagMismatch("There is no document with this external_id.")
            document = writing.add(draft)
            writing.operation(Kind.WRITE, [item(0, document)])
            return document

    def patch(
        self, workspace_id: WorkspaceId, document_id: DocumentId, patch: Patch, if_match: str
    ) -> Document:
        """
        Change the given fields of a document.

        Raises:
            DocumentNotFound, EtagMismatch: as they say.
            InvalidArgument: new content is not as the type wants it, or the content not as the new type does.
        """
        # Only new content can be larger.
        allowance = None if patch.content is None else self._allowances.of(workspace_id)
        with self._writing(workspace_id, allowance) as writing:
            present = writing.found(document_id)
            present.check_precondition(if_match)
            retry = patch.content is not None
            description = patch.of(present.description)
            if patch.content is not None or patch.content_type is not None:
                content, as_text = patch.content, patch.as_text
                if content is None:
                    content = writing.tx.documents.content(workspace_id, document_id)
                    as_text = present.description.content_type.is_text
                violations = check_content(description.content_type, content, as_text=as_text)
                if violations:
                    raise InvalidArgument.of(violations)
            after = writing.change(present, description, patch.content, retry=retry)
            if after.reindex:
                writing.operation(Kind.WRITE, [item(0, after.document)])
            return after.document

    def batch(
        self,
        workspace_id: WorkspaceId,
        documents: Sequence[Proposed],
        request: IdempotentRequest | None,
        encode: Callable[[Operation], bytes],
    ) -> bytes:
        """
        Create or replace documents by their external ids; return the answer, as `create` does.

        A bad one fails alone, and so does one for which there is no room; one that would change nothing costs
        nothing.

        Raises:
            InvalidArgument: there are none, too many, or too large ones.
        """
        check_size(documents)
        with self._writing(workspace_id, self._allowances.of(workspace_id)) as writing:
            tx = writing.tx

            def begin() -> Operation:
                present = tx.documents.by_external_ids(
                    workspace_id, {each.external_id for each in documents if each.external_id}
                )
                items = [
                    writing.batch_item(place, each, present.get(each.external_id))
                    for place, each in enumerate(distinct(documents))
                ]
                return writing.operation(Kind.BATCH, items)

            return answered_once(tx, workspace_id, request, begin, encode)

    def delete(self, workspace_id: WorkspaceId, document_id: DocumentId, if_match: str) -> Operation:
        """
        Delete a document; the operation succeeds when nothing of it is left anywhere, and has a receipt.

        Raises:
            DocumentNotFound, EtagMismatch: as they say.
        """
        with self._writing(workspace_id) as writing:
            document = writing.found(document_id)
            document.check_precondition(if_match)
            return writing.delete(document)

    def delete_by_external_id(self, workspace_id: WorkspaceId, external_id: str, if_match: str) -> Operation:
        """Delete the document of an external id; see `delete`."""
        with self._writing(workspace_id) as writing:
            document = writing.found_by_external_id(external_id)
            document.check_precondition(if_match)
            return writing.delete(document)

    @contextmanager
    def _writing(self, workspace_id: WorkspaceId, allowance: Allowance | None = None) -> Iterator[Writing]:
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            now = self._clock.now()
            shelf = Shelf(tx.stocks.get(workspace_id), allowance, now)
            yield Writing(tx, workspace_id, shelf, now)
            if shelf.changed:
                tx.stocks.put(workspace_id, shelf.changed_stock())
        if shelf.changed:
            self._stock_changed()
