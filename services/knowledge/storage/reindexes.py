"""What a generation that is being made has, and what is left of those that were given up, in the database."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId, Failure
from services.knowledge.domain.operation import ItemError, ItemState, OperationId
from services.knowledge.storage.tables import (
    CHUNK_VERSIONS,
    CHUNKS,
    DOCUMENTS,
    GENERATION_DOCUMENTS,
    GENERATIONS,
    KNOWLEDGE_BASES,
    OPERATION_ITEMS,
    REPLICA_POSITIONS,
)


class SqlReindexes:
    """Re-indexes in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def expect(self, workspace_id: WorkspaceId, operation_id: OperationId, generation: int) -> None:
        """Let an operation wait for all documents whose present content its generation does not have."""
        d, g = DOCUMENTS.c, GENERATION_DOCUMENTS.c
        has = sa.exists().where(
            g.workspace_id == workspace_id,
            g.generation == generation,
            g.document_id == d.id,
            g.content_version == d.content_version,
        )
        place = sa.func.row_number().over(order_by=(d.created_at, d.id)) - 1
        columns: dict[str, sa.ColumnElement[Any]] = {
            "workspace_id": d.workspace_id,
            "operation_id": sa.literal(operation_id),
            "place": place,
            "document_id": d.id,
            "external_id": sa.func.coalesce(d.external_id, ""),
            "state": sa.literal(ItemState.PENDING.value),
            "content_version": d.content_version,
            "unchanged": sa.false(),
            "generation": sa.literal(generation),
        }
        lacking = sa.select(*columns.values()).where(d.workspace_id == workspace_id, ~has)
        self._connection.execute(OPERATION_ITEMS.insert().from_select(list(columns), lacking))

    def document_done(self, workspace_id: WorkspaceId, document_id: DocumentId, generation: int) -> None:
        """Note that a generation that is being made has a document, even if that had failed before."""
        c = OPERATION_ITEMS.c
        self._connection.execute(
            OPERATION_ITEMS.update()
            .where(
                c.workspace_id == workspace_id,
                c.document_id == document_id,
                c.state.in_((ItemState.PENDING, ItemState.FAILED)),
                c.generation == generation,
            )
            .values(state=ItemState.DONE, error_code=None, error_detail=None)
        )

    def document_failed(
        self, workspace_id: WorkspaceId, document_id: DocumentId, generation: int, failure: Failure
    ) -> None:
        """Note that a generation that is being made can't have a document."""
        i = OPERATION_ITEMS.c
        mine = (i.workspace_id == workspace_id, i.document_id == document_id, i.generation == generation)
        failed = {"state": ItemState.FAILED, "error_code": failure.code, "error_detail": failure.detail}
        noted = self._connection.execute(
            OPERATION_ITEMS.update().where(*mine, i.state != ItemState.CANCELLED).values(**failed)
        )
        if noted.rowcount:
            return
        # It is newer than the re-index.
        b, d = KNOWLEDGE_BASES.c, DOCUMENTS.c
        last = (
            sa.select(sa.func.coalesce(sa.func.max(i.place), -1) + 1)
            .where(i.workspace_id == workspace_id, i.operation_id == b.reindex_operation_id)
            .scalar_subquery()
        )
        columns: dict[str, sa.ColumnElement[Any]] = {
            "workspace_id": d.workspace_id,
            "operation_id": b.reindex_operation_id,
            "place": last,
            "document_id": d.id,
            "external_id": sa.func.coalesce(d.external_id, ""),
            "content_version": d.content_version,
            "unchanged": sa.false(),
            "generation": b.next_generation,
            **{name: sa.literal(str(value)) for name, value in failed.items()},
        }
        joined = DOCUMENTS.join(KNOWLEDGE_BASES, b.workspace_id == d.workspace_id)
        its = (d.workspace_id == workspace_id, d.id == document_id, b.next_generation == generation)
        item = sa.select(*columns.values()).select_from(joined).where(*its)
        self._connection.execute(OPERATION_ITEMS.insert().from_select(list(columns), item))

    def waits(self, workspace_id: WorkspaceId, operation_id: OperationId) -> bool:
        """Return whether an operation waits for a document."""
        i = OPERATION_ITEMS.c
        pending = sa.select(i.place).where(
            i.workspace_id == workspace_id,
            i.operation_id == operation_id,
            i.state == ItemState.PENDING,
        )
        return self._connection.execute(pending.limit(1)).first() is not None

    def is_whole(
        self, workspace_id: WorkspaceId, operation_id: OperationId, serving: int, following: int
    ) -> bool:
        """Return whether a generation has what the serving one has, but for what has failed."""
        i, s = OPERATION_ITEMS.c, _SERVING.c
        failed = sa.exists().where(
            i.workspace_id == workspace_id,
            i.document_id == s.document_id,
            i.state == ItemState.FAILED,
            i.operation_id == operation_id,
        )
        missing = _missing(workspace_id, serving, following).add_columns(s.document_id).where(~failed)
        return self._connection.execute(missing.limit(1)).first() is None

    def lost(
        self, workspace_id: WorkspaceId, operation_id: OperationId, serving: int, following: int
    ) -> list[ItemError]:
        """Return the failed documents that can be found in the one generation as they can't in the other."""
        i, s = OPERATION_ITEMS.c, _SERVING.c
        missing = _missing(workspace_id, serving, following).add_columns(s.document_id).where(s.chunks > 0)
        query = (
            sa.select(i.place, i.document_id, i.external_id, i.error_code, i.error_detail)
            .where(
                i.workspace_id == workspace_id,
                i.operation_id == operation_id,
                i.state == ItemState.FAILED,
                i.document_id.in_(missing),
            )
            .order_by(i.place)
        )
        return [
            ItemError(
                row.place,
                DocumentId(row.document_id),
                row.external_id,
                Failure(row.error_code, row.error_detail),
            )
            for row in self._connection.execute(query)
        ]

    def explain(
        self, workspace_id: WorkspaceId, operation_id: OperationId, errors: Sequence[ItemError]
    ) -> None:
        """Say more of why documents of an operation failed."""
        i = OPERATION_ITEMS.c
        for each in errors:
            self._connection.execute(
                OPERATION_ITEMS.update()
                .where(i.workspace_id == workspace_id, i.operation_id == operation_id, i.place == each.place)
                .values(
                    state=ItemState.FAILED,
                    error_code=each.failure.code,
                    error_detail=each.failure.detail,
                )
            )

    def discarded(self) -> list[tuple[WorkspaceId, int]]:
        """Return the generations on their way out."""
        g = GENERATIONS.c
        query = sa.select(g.workspace_id, g.generation).where(g.discarded.is_(True))
        return [(WorkspaceId(row.workspace_id), row.generation) for row in self._connection.execute(query)]

    def clear(self, workspace_id: WorkspaceId, generation: int, limit: int) -> bool:
        """Remove some rows of a generation on its way out; return False when that were the last."""
        for table in (CHUNKS, CHUNK_VERSIONS, GENERATION_DOCUMENTS):
            mine = (table.c.workspace_id == workspace_id, table.c.generation == generation)
            key = list(table.primary_key.columns)
            some = sa.select(*key).where(*mine).limit(limit)
            removed = self._connection.execute(table.delete().where(*mine, sa.tuple_(*key).in_(some)))
            if removed.rowcount:
                return True
        g, p = GENERATIONS.c, REPLICA_POSITIONS.c
        self._connection.execute(
            GENERATIONS.update()
            .where(g.workspace_id == workspace_id, g.generation == generation)
            .values(discarded=False)
        )
        self._connection.execute(
            REPLICA_POSITIONS.delete().where(p.workspace_id == workspace_id, p.generation == generation)
        )
        return False


_SERVING = GENERATION_DOCUMENTS.alias("serving")


def _missing(workspace_id: WorkspaceId, serving: int, following: int) -> sa.Select[Any]:
    """Documents of which the one generation has newer content than the other; the columns are to be added."""
    d, s, f = DOCUMENTS.c, _SERVING.c, GENERATION_DOCUMENTS.alias("following")
    has = sa.exists().where(
        f.c.workspace_id == workspace_id,
        f.c.generation == following,
        f.c.document_id == s.document_id,
        f.c.content_version >= s.content_version,
    )
    exists = sa.exists().where(d.workspace_id == workspace_id, d.id == s.document_id)
    return sa.select().where(s.workspace_id == workspace_id, s.generation == serving, exists, ~has)
