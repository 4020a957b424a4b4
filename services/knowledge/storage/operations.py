"""Operations and their items in the database."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.knowledge.domain.document import DocumentId, Failure
from services.knowledge.domain.document import Status as DocumentStatus
from services.knowledge.domain.operation import (
    MAX_ERRORS,
    Counts,
    ItemError,
    ItemState,
    Kind,
    NewOperation,
    Operation,
    OperationId,
)
from services.knowledge.storage.tables import DOCUMENTS, OPERATION_ITEMS, OPERATIONS
from services.runtime.database import UtcDateTime

_BEGUN = (DocumentStatus.INDEXING, DocumentStatus.PUBLISHING)


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
                "revision": item.revision,
                "unchanged": item.unchanged,
                "error_code": item.error.code if item.error else None,
                "error_detail": item.error.detail if item.error else None,
            }
            for item in operation.items
        ]
        if rows:
            self._connection.execute(OPERATION_ITEMS.insert(), rows)
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
        """End well what waits for these documents."""
        waiting = OPERATION_ITEMS.c.document_id.in_(list(ids))
        self._end(workspace_id, waiting, {"state": ItemState.DONE}, at)

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

    def deletions_confirmed(self, workspace_id: WorkspaceId, floor: int, at: datetime) -> None:
        """End well the deletions up to revision `floor`."""
        waiting = OPERATION_ITEMS.c.revision.between(1, floor)
        self._end(workspace_id, waiting, {"state": ItemState.DONE}, at)

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
            .returning(c.operation_id)
        )
        touched = set(self._connection.execute(end).scalars())
        self._finish(workspace_id, [OperationId(each) for each in touched], at)

    def _finish(self, workspace_id: WorkspaceId, ids: Iterable[OperationId], at: datetime) -> None:
        """End those of the operations in which nothing is pending."""
        c, i = OPERATIONS.c, OPERATION_ITEMS.c
        counts = self._counts(workspace_id, ids)
        for operation_id, count in counts.items():
            if count.pending:
                continue
            self._connection.execute(
                OPERATIONS.update()
                .where(c.workspace_id == workspace_id, c.id == operation_id)
                .values(
                    finished_at=at,
                    done=count.done,
                    failed=count.failed,
                    cancelled=count.cancelled,
                    unchanged=count.unchanged,
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

    def _counts(self, workspace_id: WorkspaceId, ids: Iterable[OperationId]) -> dict[OperationId, Counts]:
        i = OPERATION_ITEMS.c
        query = (
            sa.select(
                i.operation_id,
                i.state,
                sa.func.count().label("items"),
                sa.func.sum(sa.case((i.unchanged.is_(True), 1), else_=0)).label("unchanged"),
            )
            .where(i.workspace_id == workspace_id, i.operation_id.in_(list(ids)))
            .group_by(i.operation_id, i.state)
        )
        states: dict[OperationId, dict[str, int]] = defaultdict(dict)
        for row in self._connection.execute(query):
            states[OperationId(row.operation_id)][row.state] = row.items
            if row.state == ItemState.DONE:
                states[OperationId(row.operation_id)]["unchanged"] = row.unchanged
        return {operation_id: Counts(**each) for operation_id, each in states.items()}

    def _read(self, workspace_id: WorkspaceId, query: sa.Select[Any]) -> list[Operation]:
        rows = self._connection.execute(query).all()
        open_ids = [OperationId(row.id) for row in rows if row.finished_at is None]
        counts = self._counts(workspace_id, open_ids) if open_ids else {}
        begun = self._begun(workspace_id, open_ids) if open_ids else set()
        errors = self._errors(workspace_id, [OperationId(row.id) for row in rows])
        found = []
        for row in rows:
            count = counts.get(row.id) or Counts(
                done=row.done, failed=row.failed, cancelled=row.cancelled, unchanged=row.unchanged
            )
            found.append(
                Operation(
                    id=OperationId(row.id),
                    kind=Kind(row.kind),
                    status=count.status(begun=row.id in begun),
                    counts=count,
                    errors=errors[row.id],
                    created_at=row.created_at,
                    finished_at=row.finished_at,
                )
            )
        return found

    def _begun(self, workspace_id: WorkspaceId, ids: Collection[OperationId]) -> set[str]:
        """Those of which a document is being worked on, and all deletions."""
        i, d = OPERATION_ITEMS.c, DOCUMENTS.c
        joined = OPERATION_ITEMS.outerjoin(
            DOCUMENTS, sa.and_(d.workspace_id == i.workspace_id, d.id == i.document_id)
        )
        query = (
            sa.select(i.operation_id)
            .distinct()
            .select_from(joined)
            .where(
                i.workspace_id == workspace_id,
                i.operation_id.in_(list(ids)),
                i.state == ItemState.PENDING,
                sa.or_(d.status.in_(_BEGUN), i.revision > 0),
            )
        )
        return set(self._connection.execute(query).scalars())

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
