"""Re-indexing: the beginning of a new generation or of the way back to the one before, and giving it up."""

from collections.abc import Callable, Sequence
from datetime import datetime

from services.kernel.clock import Clock
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId, new_id
from services.knowledge.domain.answered_once import answered_once
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.errors import DocumentNotFound, NoPreviousGeneration, ReindexRunning
from services.knowledge.domain.generation import Generation, NextGeneration
from services.knowledge.domain.operation import Item, Kind, NewOperation, Operation, OperationId, Status
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.knowledge.domain.ports.bases import Base
from services.knowledge.domain.ports.store import Store, Transaction

MAX_DOCUMENTS = 1000


class Reindexing:
    """Begins re-indexes of workspaces, with the installation's present embedding model."""

    def __init__(self, store: Store, clock: Clock, model: str, dimensions: int) -> None:
        self._store = store
        self._clock = clock
        self._model = model
        self._dimensions = dimensions

    def start(
        self,
        workspace_id: WorkspaceId,
        document_ids: Sequence[DocumentId],
        request: IdempotentRequest | None,
        encode: Callable[[Operation], bytes],
    ) -> bytes:
        """
        Begin to make the index anew beside the one that serves, or single documents within it.

        Returns the answer to the request, the first one where it is a repeated one.

        Raises:
            ReindexRunning: there is one already.
            InvalidArgument, DocumentNotFound: the documents are too many, or some are not there.
        """
        wanted = list(dict.fromkeys(document_ids))
        if len(wanted) > MAX_DOCUMENTS:
            raise InvalidArgument.of(
                [Violation("/document_ids", f"must have at most {MAX_DOCUMENTS} entries")]
            )

        def begin(tx: Transaction, base: Base) -> OperationId:
            if base.next is not None:
                raise ReindexRunning("A re-index is running.")
            if wanted:
                return self._make_anew(tx, workspace_id, wanted)
            if base.previous_generation is not None:
                tx.bases.discard(workspace_id, base.previous_generation)
            generation = tx.bases.add_generation(workspace_id, self._model, self._dimensions)
            return self._make(tx, workspace_id, Kind.REINDEX, generation)

        return self._answered(workspace_id, request, encode, begin)

    def roll_back(
        self,
        workspace_id: WorkspaceId,
        request: IdempotentRequest | None,
        encode: Callable[[Operation], bytes],
    ) -> bytes:
        """
        Begin to bring the generation that served before up to date, to serve again; see `start`.

        Raises:
            ReindexRunning, NoPreviousGeneration: as they say.
        """

        def begin(tx: Transaction, base: Base) -> OperationId:
            if base.next is not None:
                raise ReindexRunning("A re-index is running.")
            if base.previous_generation is None:
                raise NoPreviousGeneration("There is no earlier generation to go back to.")
            return self._make(tx, workspace_id, Kind.ROLLBACK, Generation(base.previous_generation))

        return self._answered(workspace_id, request, encode, begin)

    def _answered(
        self,
        workspace_id: WorkspaceId,
        request: IdempotentRequest | None,
        encode: Callable[[Operation], bytes],
        begin: Callable[[Transaction, Base], OperationId],
    ) -> bytes:
        with self._store.write() as tx:
            base = tx.bases.lock(workspace_id)

            def begun() -> Operation:
                operation_id = begin(tx, base)
                operation = tx.operations.get(workspace_id, operation_id)
                if operation is None:
                    raise LookupError(operation_id)
                return operation

            return answered_once(tx, workspace_id, request, begun, encode)

    def _make(
        self, tx: Transaction, workspace_id: WorkspaceId, kind: Kind, generation: Generation
    ) -> OperationId:
        now, operation_id = self._clock.now(), OperationId(new_id("op"))
        tx.bases.follow(workspace_id, NextGeneration(generation, operation_id), previous=None)
        # What they had of it when it served last they may have thrown away since.
        tx.replicas.forget(workspace_id, generation.number)
        tx.operations.add(workspace_id, NewOperation(operation_id, kind, now, (), generation.number))
        tx.reindexes.expect(workspace_id, operation_id, generation.number)
        tx.queue.put_lacking(workspace_id, generation.number, now)
        return operation_id

    def _make_anew(
        self, tx: Transaction, workspace_id: WorkspaceId, wanted: Sequence[DocumentId]
    ) -> OperationId:
        now, operation_id = self._clock.now(), OperationId(new_id("op"))
        found = [tx.documents.get(workspace_id, each) for each in wanted]
        unknown = [f"/document_ids/{place}" for place, each in enumerate(found) if each is None]
        if unknown:
            violations = [Violation(pointer, "there is no such document") for pointer in unknown]
            raise DocumentNotFound("Some of the documents do not exist.", violations=violations)
        items = []
        for place, each in enumerate(document for document in found if document is not None):
            items.append(
                Item(place, each.id, each.description.external_id, content_version=each.content_version)
            )
            tx.queue.put(workspace_id, each.id, each.content_version, now, background=True, anew=True)
        tx.operations.add(workspace_id, NewOperation(operation_id, Kind.REINDEX, now, items))
        return operation_id


def give_up(tx: Transaction, workspace_id: WorkspaceId, outcome: Status, at: datetime) -> None:
    """
    Give up the generation that is being made; the old one serves on, and the operation ends.

    One that served before can still be gone back to.
    """
    following = tx.bases.get(workspace_id).next
    operation = tx.operations.get(workspace_id, following.operation_id) if following else None
    if following is None or operation is None:
        raise LookupError("no generation is being made")
    number = following.generation.number
    goes_back = operation.kind is Kind.ROLLBACK
    tx.bases.follow(workspace_id, None, previous=number if goes_back else None)
    if not goes_back:
        tx.bases.discard(workspace_id, number)
    tx.replicas.forget(workspace_id, number)
    tx.queue.drop_background(workspace_id)
    tx.operations.end(workspace_id, operation.id, outcome, at)
