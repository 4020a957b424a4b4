"""Operations and their items in the database."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.knowledge.domain.document import DocumentId, Failure
from services.knowledge.domain.operation import (
    MAX_ERRORS,
    Counts,
    ItemError,
    ItemState,
    Kind,
    NewOperation,
    Operation,
    OperationId,
    Status,
)
from services.knowledge.storage.operation_progress import begun, counts, status
from services.knowledge.storage.receipts import receipt_of
from services.knowledge.storage.tables import DOCUMENTS, OPERATION_ITEMS, OPERATIONS
from services.runtime.database import UtcDateTime


class SqlOperations:
    """Operations in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, workspace_id: WorkspaceId, operation: NewOperation) -> None:
        """Store an operation; one without pending items has ended."""
        self._connection.execute(
            OPERATIONS.insert().values(
                workspace_id=workspace_id,
                id=operation.id,
                kind=operation.kind,
                created_at=operation.created_at,
                generation=operation.generation,
                done=0,
                failed=0,
                cancelled=0,
                unchanged=0,
            )
        )
        rows = [
            {
                "workspace_id": workspace_id,
                "operation_id": operation.id,
                "place": item.place,
                "document_id": item.document_id,
                "external_id": item.external_id,
                "state": item.state,
                "content_version": item.content_version,
                "unchanged": item.unchanged,
                "generation": item.generation,
                "error_code": item.error.code if item.error else None,
                "error_detail": item.error.detail if item.error else None,
            }
            for item in operation.items
        ]
        if rows:
            self._connection.execute(OPERATION_ITEMS.insert(), rows)
        if operation.generation is None:
            self._finish(workspace_id, [operation.id], operation.created_at)

    def get(self, workspace_id: WorkspaceId, operation_id: OperationId) -> Operation | None:
        """Return an operation."""
        c = OPERATIONS.c
        query = sa.select(OPERATIONS).where(c.workspace_id == workspace_id, c.id == operation_id)
        return next(iter(self._read(workspace_id, query)), None)

    def page(self, workspace_id: WorkspaceId, after: Place | None, limit: int) -> list[Operation]:
        """Return operations older than `after`, newest first."""
        c = OPERATIONS.c
        query = sa.select(OPERATIONS).where(c.workspace_id == workspace_id)
        if after is not None:
            place = sa.tuple_(sa.literal(after.created_at, UtcDateTime), sa.literal(after.id))
            query = query.where(sa.tuple_(c.created_at, c.id) < place)
        return self._read(workspace_id, query.order_by(c.created_at.desc(), c.id.desc()).limit(limit))

    def documents_done(self, workspace_id: WorkspaceId, ids: Collection[DocumentId], at: datetime) -> None:
        """End well what waits for these documents in the generation that serves."""
        c = OPERATION_ITEMS.c
        waiting = sa.and_(c.document_id.in_(list(ids)), c.generation.is_(None))
        self._end(workspace_id, waiting, {"state": ItemState.DONE}, at)

    def document_gone(self, workspace_id: WorkspaceId, document_id: DocumentId, at: datetime) -> None:
        """End well what waits for a document that is no more."""
        self._end(workspace_id, OPERATION_ITEMS.c.document_id == document_id, {"state": ItemState.DONE}, at)

    def document_failed(
        self, workspace_id: WorkspaceId, document_id: DocumentId, failure: Failure, at: datetime
    ) -> None:
        """Fail what waits for a document."""
        values = {
            "state": ItemState.FAILED,
            "error_code": failure.code,
            "error_detail": failure.detail,
            "unchanged": False,
        }
        self._end(workspace_id, OPERATION_ITEMS.c.document_id == document_id, values, at)

    def withdrawable(
        self, workspace_id: WorkspaceId, operation_id: OperationId
    ) -> list[tuple[DocumentId, bool]]:
        """Return what an operation still waits for, and whether it alone does."""
        i, d, o = OPERATION_ITEMS.c, DOCUMENTS.c, OPERATION_ITEMS.alias("others")
        others = (
            sa.select(o.c.place)
            .where(
                o.c.workspace_id == workspace_id,
                o.c.document_id == i.document_id,
                o.c.state == ItemState.PENDING,
                o.c.operation_id != operation_id,
            )
            .exists()
        )
        joined = OPERATION_ITEMS.join(
            DOCUMENTS, sa.and_(d.workspace_id == i.workspace_id, d.id == i.document_id)
        )
        query = (
            sa.select(i.document_id, others.label("shared"))
            .select_from(joined)
            .where(
                i.workspace_id == workspace_id,
                i.operation_id == operation_id,
                i.state == ItemState.PENDING,
            )
        )
        return [(DocumentId(row.document_id), not row.shared) for row in self._connection.execute(query)]

    def cancel_items(
        self,
        workspace_id: WorkspaceId,
        operation_id: OperationId,
        ids: Collection[DocumentId],
        at: datetime,
    ) -> None:
        """Cancel the pending items of these documents."""
        c = OPERATION_ITEMS.c
        waiting = sa.and_(c.operation_id == operation_id, c.document_id.in_(list(ids)))
        self._end(workspace_id, waiting, {"state": ItemState.CANCELLED}, at)

    def _end(
        self,
        workspace_id: WorkspaceId,
        which: sa.ColumnElement[bool],
        values: Mapping[str, object],
        at: datetime,
    ) -> None:
        c = OPERATION_ITEMS.c
        end = (
            OPERATION_ITEMS.update()
            .where(c.workspace_id == workspace_id, c.state == ItemState.PENDING, which)
            .values(**values)
            .returning(c.operation_id, c.generation)
        )
        # What makes a generation does not end with its last document.
        touched = {row.operation_id for row in self._connection.execute(end) if row.generation is None}
        self._finish(workspace_id, [OperationId(each) for each in touched], at)

    def _finish(self, workspace_id: WorkspaceId, ids: Iterable[OperationId], at: datetime) -> None:
        """End those of the operations in which nothing is pending."""
        for operation_id, count in counts(self._connection, workspace_id, ids).items():
            if not count.pending:
                self._store_end(workspace_id, operation_id, count, at)

    def end(
        self, workspace_id: WorkspaceId, operation_id: OperationId, outcome: Status, at: datetime
    ) -> None:
        """End an operation that makes a generation."""
        count = counts(self._connection, workspace_id, [operation_id]).get(operation_id, Counts())
        if outcome is Status.CANCELLED:
            count = Counts(failed=count.failed, cancelled=count.total - count.failed)
        self._store_end(workspace_id, operation_id, count, at, outcome=outcome)

    def _store_end(
        self,
        workspace_id: WorkspaceId,
        operation_id: OperationId,
        count: Counts,
        at: datetime,
        outcome: Status | None = None,
    ) -> None:
        c, i = OPERATIONS.c, OPERATION_ITEMS.c
        self._connection.execute(
            OPERATIONS.update()
            .where(c.workspace_id == workspace_id, c.id == operation_id)
            .values(
                finished_at=at,
                done=count.done,
                failed=count.failed,
                cancelled=count.cancelled,
                unchanged=count.unchanged,
                outcome=outcome,
            )
        )
        # What is left to tell is what failed.
        self._connection.execute(
            OPERATION_ITEMS.delete().where(
                i.workspace_id == workspace_id,
                i.operation_id == operation_id,
                i.state != ItemState.FAILED,
            )
        )

    def _read(self, workspace_id: WorkspaceId, query: sa.Select[Any]) -> list[Operation]:
        rows = self._connection.execute(query).all()
        open_ids = [OperationId(row.id) for row in rows if row.finished_at is None]
        counted = counts(self._connection, workspace_id, open_ids) if open_ids else {}
        asked = [OperationId(row.id) for row in rows if row.finished_at is None and row.generation is None]
        worked_on = begun(self._connection, workspace_id, asked) if asked else set()
        errors = self._errors(workspace_id, [OperationId(row.id) for row in rows])
        found = []
        for row in rows:
            count = counted.get(row.id) or Counts(
                done=row.done, failed=row.failed, cancelled=row.cancelled, unchanged=row.unchanged
            )
            found.append(
                Operation(
                    id=OperationId(row.id),
                    kind=Kind(row.kind),
                    status=status(row, count, worked_on=row.id in worked_on),
                    counts=count,
                    errors=errors[row.id],
                    created_at=row.created_at,
                    finished_at=row.finished_at,
                    generation=row.generation,
                    receipt=receipt_of(row.receipt),
                )
            )
        return found

    def _errors(
        self, workspace_id: WorkspaceId, ids: Collection[OperationId]
    ) -> Mapping[str, list[ItemError]]:
        i = OPERATION_ITEMS.c
        query = (
            sa.select(OPERATION_ITEMS)
            .where(
                i.workspace_id == workspace_id,
                i.operation_id.in_(list(ids)),
                i.state == ItemState.FAILED,
            )
            .order_by(i.operation_id, i.place)
        )
        errors: dict[str, list[ItemError]] = defaultdict(list)
        for row in self._connection.execute(query):
            if len(errors[row.operation_id]) < MAX_ERRORS:
                errors[row.operation_id].append(
                    ItemError(
                        row.place,
                        row.document_id,
                        row.external_id,
                        Failure(row.error_code, row.error_detail),
                    )
                )
        return errors
