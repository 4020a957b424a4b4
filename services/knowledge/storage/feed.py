"""The change feed, read from the rows themselves: each says at which revision it last changed."""

from collections import Counter
from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import Changes, ChangeSet
from services.knowledge.domain.document import DocumentId
from services.knowledge.storage.feed_rows import chunk_change, document_change
from services.knowledge.storage.tables import (
    CHUNKS,
    DOCUMENT_TOMBSTONES,
    DOCUMENTS,
    GENERATIONS,
    KNOWLEDGE_BASES,
)

# Revisions that are looked at for one answer.
_REVISIONS = 2000
# What a row takes beside its own bytes, roughly.
_DOCUMENT_BYTES, _CHUNK_BYTES = 600, 200


class SqlFeed:
    """The feed in one snapshot."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def changes(
        self,
        workspace_id: WorkspaceId,
        generation: int,
        after: int,
        answer_bytes: int,
        begun_at: int = 0,
    ) -> Changes:
        """Return what came after a revision, whole revisions, about `answer_bytes` of them."""
        b, g = KNOWLEDGE_BASES.c, GENERATIONS.c
        joined = KNOWLEDGE_BASES.outerjoin(
            GENERATIONS, sa.and_(g.workspace_id == b.workspace_id, g.generation == generation)
        )
        base = self._connection.execute(
            sa.select(
                b.generation,
                b.next_generation,
                b.revision,
                b.pruned_revision,
                g.embedding_model,
                g.dimensions,
            )
            .select_from(joined)
            .where(b.workspace_id == workspace_id)
        ).one_or_none()
        if base is None:
            return Changes((), 0, restart=after > 0, embedding_model="", dimensions=0)
        unknown = generation not in (base.generation, base.next_generation)
        known = max(after, begun_at)
        restart = unknown or (after > 0 and not base.pruned_revision <= known <= base.revision)
        sets: list[ChangeSet] = []
        if not restart:
            last = self._last(workspace_id, generation, after, answer_bytes)
            sets = self._sets(workspace_id, generation, after, last)
            if last == after < base.revision:
                # What is newer is of another generation alone, or was a deletion and is forgotten.
                sets = [ChangeSet(base.revision)]
        return Changes(sets, base.revision, restart, base.embedding_model or "", base.dimensions or 0)

    def _last(self, workspace_id: WorkspaceId, generation: int, after: int, answer_bytes: int) -> int:
        """The revision up to which everything fits into one answer."""
        c = CHUNKS.c
        queries = [
            self._sizes(DOCUMENTS, sa.func.count() * _DOCUMENT_BYTES, workspace_id, after),
            self._sizes(DOCUMENT_TOMBSTONES, sa.func.count() * _DOCUMENT_BYTES, workspace_id, after),
            self._sizes(
                CHUNKS, sa.func.sum(c.bytes + _CHUNK_BYTES), workspace_id, after, c.generation == generation
            ),
        ]
        sizes: Counter[int] = Counter()
        horizon: int | None = None
        for query in queries:
            rows = self._connection.execute(query).all()
            for revision, size in rows:
                sizes[revision] += int(size)
            if len(rows) == _REVISIONS:  # beyond its last revision this table is unknown
                horizon = min(rows[-1][0], horizon or rows[-1][0])
        total, last = 0, after
        for revision in sorted(sizes):
            total += sizes[revision]
            if last > after and (total > answer_bytes or (horizon is not None and revision > horizon)):
                break
            last = revision
        return last

    def _sizes(
        self,
        table: sa.Table,
        size: sa.ColumnElement[Any],
        workspace_id: WorkspaceId,
        after: int,
        *more: sa.ColumnElement[bool],
    ) -> sa.Select[tuple[int, Any]]:
        columns = table.c
        return (
            sa.select(columns.revision, size)
            .where(columns.workspace_id == workspace_id, columns.revision > after, *more)
            .group_by(columns.revision)
            .order_by(columns.revision)
            .limit(_REVISIONS)
        )

    def _sets(self, workspace_id: WorkspaceId, generation: int, after: int, last: int) -> list[ChangeSet]:
        d, t, c = DOCUMENTS.c, DOCUMENT_TOMBSTONES.c, CHUNKS.c
        sets: dict[int, ChangeSet] = {}
        documents = sa.select(DOCUMENTS).where(
            d.workspace_id == workspace_id, d.revision > after, d.revision <= last
        )
        for row in self._connection.execute(documents):
            _set(sets, row.revision).documents.append(document_change(row))
        tombstones = sa.select(t.document_id, t.revision).where(
            t.workspace_id == workspace_id, t.revision > after, t.revision <= last
        )
        for row in self._connection.execute(tombstones):
            _set(sets, row.revision).gone_documents.append(DocumentId(row.document_id))
        chunks = (
            sa.select(CHUNKS)
            .where(
                c.workspace_id == workspace_id,
                c.generation == generation,
                c.revision > after,
                c.revision <= last,
            )
            .order_by(c.revision, c.document_id, c.ordinal)
        )
        for row in self._connection.execute(chunks):
            if row.deleted:
                _set(sets, row.revision).gone_chunks.append(row.id)
            else:
                _set(sets, row.revision).chunks.append(chunk_change(row))
        return [sets[revision] for revision in sorted(sets)]


def _set(sets: dict[int, ChangeSet], revision: int) -> ChangeSet:
    return sets.setdefault(revision, ChangeSet(revision))
