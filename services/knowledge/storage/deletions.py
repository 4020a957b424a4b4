"""Deletions that have not ended, in the database."""

from collections.abc import Collection

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.deletion import Deletion
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.operation import OperationId
from services.knowledge.domain.receipt import Receipt
from services.knowledge.storage.receipts import receipt_column, receipt_of
from services.knowledge.storage.tables import DELETIONS, OPERATIONS


class SqlDeletions:
    """Deletions in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, workspace_id: WorkspaceId, deletion: Deletion) -> None:
        """Begin a deletion, whose operation is stored."""
        self._connection.execute(
            DELETIONS.insert().values(
                workspace_id=workspace_id,
                operation_id=deletion.operation_id,
                document_id=deletion.document_id,
                revision=deletion.revision,
            )
        )
        self.note(workspace_id, deletion)

    def waiting(self) -> list[WorkspaceId]:
        """Return the workspaces in which some deletion has not ended."""
        names = self._connection.execute(sa.select(DELETIONS.c.workspace_id).distinct()).scalars()
        return [WorkspaceId(each) for each in names]

    def pending(self, workspace_id: WorkspaceId, limit: int) -> list[Deletion]:
        """Return deletions that have not ended, the eldest first."""
        d, o = DELETIONS.c, OPERATIONS.c
        joined = DELETIONS.join(OPERATIONS, sa.and_(o.workspace_id == d.workspace_id, o.id == d.operation_id))
        query = (
            sa.select(d.operation_id, d.document_id, d.revision, o.receipt)
            .select_from(joined)
            .where(d.workspace_id == workspace_id)
            .order_by(d.revision, d.operation_id)
            .limit(limit)
        )
        return [
            Deletion(
                OperationId(row.operation_id),
                DocumentId(row.document_id),
                row.revision,
                receipt_of(row.receipt) or Receipt(),
            )
            for row in self._connection.execute(query)
        ]

    def note(self, workspace_id: WorkspaceId, deletion: Deletion) -> None:
        """Store what is known of a deletion by now."""
        o = OPERATIONS.c
        self._connection.execute(
            OPERATIONS.update()
            .where(o.workspace_id == workspace_id, o.id == deletion.operation_id)
            .values(receipt=receipt_column(deletion.receipt))
        )

    def remove(self, workspace_id: WorkspaceId, ids: Collection[OperationId]) -> None:
        """Note that deletions have ended."""
        d = DELETIONS.c
        self._connection.execute(
            DELETIONS.delete().where(d.workspace_id == workspace_id, d.operation_id.in_(list(ids)))
        )
