"""Ended operations and tombstones in the database."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.storage.tables import (
    CHUNKS,
    DOCUMENT_TOMBSTONES,
    DOCUMENTS,
    IS_DELETED,
    KNOWLEDGE_BASES,
    OPERATION_ITEMS,
    OPERATIONS,
)


class SqlHistory:
    """History in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def with_ended(self, before: datetime) -> WorkspaceId | None:
        """Return a workspace that has operations which ended before an instant."""
        c = OPERATIONS.c
        eldest = sa.select(c.workspace_id).where(c.finished_at < before).order_by(c.finished_at).limit(1)
        found = self._connection.execute(eldest).scalar_one_or_none()
        return None if found is None else WorkspaceId(found)

    def prune_operations(self, workspace_id: WorkspaceId, before: datetime, limit: int) -> int:
        """Remove some operations that ended before an instant, the eldest first."""
        o, i = OPERATIONS.c, OPERATION_ITEMS.c
        eldest = (
            sa.select(o.id)
            .where(o.workspace_id == workspace_id, o.finished_at < before)
            .order_by(o.finished_at)
            .limit(limit)
        )
        ids = list(self._connection.execute(eldest).scalars())
        self._connection.execute(
            OPERATION_ITEMS.delete().where(i.workspace_id == workspace_id, i.operation_id.in_(ids))
        )
        self._connection.execute(OPERATIONS.delete().where(o.workspace_id == workspace_id, o.id.in_(ids)))
        return len(ids)

    def with_buried(self) -> list[WorkspaceId]:
        """Return the workspaces that have tombstones."""
        b, t, c = KNOWLEDGE_BASES.c, DOCUMENT_TOMBSTONES.c, CHUNKS.c
        documents = sa.exists().where(t.workspace_id == b.workspace_id)
        chunks = sa.exists().where(c.workspace_id == b.workspace_id, IS_DELETED)
        query = sa.select(b.workspace_id).where(sa.or_(documents, chunks)).order_by(b.workspace_id)
        return [WorkspaceId(each) for each in self._connection.execute(query).scalars()]

    def revision_before(self, workspace_id: WorkspaceId, before: datetime) -> int:
        """Return a revision that was handed out before an instant, about the last."""
        d, t = DOCUMENTS.c, DOCUMENT_TOMBSTONES.c
        lasts = (
            sa.select(d.revision)
            .where(d.workspace_id == workspace_id, d.revised_at < before)
            .order_by(d.revision.desc()),
            sa.select(t.revision)
            .where(t.workspace_id == workspace_id, t.deleted_at < before)
            .order_by(t.revision.desc()),
        )
        return max(self._connection.execute(last.limit(1)).scalar() or 0 for last in lasts)

    def prune_tombstones(self, workspace_id: WorkspaceId, revision: int, limit: int) -> int:
        """Remove some tombstones up to a revision; return how many."""
        b, t, c = KNOWLEDGE_BASES.c, DOCUMENT_TOMBSTONES.c, CHUNKS.c
        self._connection.execute(
            KNOWLEDGE_BASES.update()
            .where(b.workspace_id == workspace_id, b.pruned_revision < revision)
            .values(pruned_revision=revision)
        )
        documents = (t.workspace_id == workspace_id, t.revision <= revision)
        chunks = (c.workspace_id == workspace_id, c.revision <= revision, IS_DELETED)
        return sum(
            self._remove(table, workspace_id, key, which, limit)
            for table, key, which in (
                (DOCUMENT_TOMBSTONES, (t.document_id,), documents),
                (CHUNKS, (c.generation, c.id), chunks),
            )
        )

    def _remove(
        self,
        table: sa.Table,
        workspace_id: WorkspaceId,
        key: tuple[sa.Column[Any], ...],
        which: tuple[sa.ColumnElement[bool] | sa.TextClause, ...],
        limit: int,
    ) -> int:
        some = sa.select(*key).where(*which).limit(limit)
        gone = table.delete().where(table.c.workspace_id == workspace_id, sa.tuple_(*key).in_(some))
        return self._connection.execute(gone).rowcount
