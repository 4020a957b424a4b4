"""What knowledge bases held at earlier revisions, from the rows that are and those that were replaced."""

from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import ChunkChange, DocumentChange
from services.knowledge.domain.document import Audience, DocumentId
from services.knowledge.domain.generation import Generation
from services.knowledge.storage.feed_rows import chunk_change, document_change
from services.knowledge.storage.tables import (
    CHUNK_VERSIONS,
    CHUNKS,
    DOCUMENT_VERSIONS,
    DOCUMENTS,
    GENERATION_TERMS,
    GENERATIONS,
)

# Passages that are looked at for one answer.
_CHUNKS = 2000
# What a row takes beside its own bytes, roughly.
_CHUNK_BYTES = 200
_CHUNK_COLUMNS = (
    "id",
    "document_id",
    "ordinal",
    "heading_path",
    "text",
    "vector",
    "kind",
    "units",
    "unit_vectors",
)


class SqlPast:
    """
    Earlier states in one snapshot.

    At a revision each id has at most one row, among what is there or among what was replaced. Both are read
    in the order of their ids, so that a row that moves between two pages is neither missed nor doubled.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def generation(self, workspace_id: WorkspaceId, revision: int) -> Generation:
        """Return the generation that served at a revision."""
        t, g = GENERATION_TERMS.c, GENERATIONS.c
        joined = GENERATION_TERMS.outerjoin(
            GENERATIONS, sa.and_(g.workspace_id == t.workspace_id, g.generation == t.generation)
        )
        query = (
            sa.select(t.generation, g.embedding_model, g.dimensions)
            .select_from(joined)
            .where(t.workspace_id == workspace_id, t.from_revision <= revision)
            .order_by(t.from_revision.desc())
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return (
            Generation(1)
            if row is None
            else Generation(row[0], row.embedding_model or "", row.dimensions or 0)
        )

    def documents(
        self, workspace_id: WorkspaceId, revision: int, after: DocumentId, limit: int
    ) -> list[DocumentChange]:
        """Return documents as search saw them, in the order of their ids, from beyond `after`."""
        d, v = DOCUMENTS.c, DOCUMENT_VERSIONS.c
        stricter = sa.case(
            (d.audience == Audience.AUTHENTICATED, sa.literal(Audience.AUTHENTICATED.value)), else_=v.audience
        )
        present = sa.select(d.id, d.title, d.url, d.tags, d.locale, d.audience, d.active, d.updated_at).where(
            d.workspace_id == workspace_id, d.id > after, d.seen_since > 0, d.seen_since <= revision
        )
        earlier = (
            sa.select(v.document_id, v.title, v.url, v.tags, v.locale, stricter, v.active, v.created_at)
            .select_from(
                DOCUMENT_VERSIONS.join(
                    DOCUMENTS, sa.and_(d.workspace_id == v.workspace_id, d.id == v.document_id)
                )
            )
            .where(
                v.workspace_id == workspace_id,
                v.document_id > after,
                v.seen_since > 0,
                v.seen_since <= revision,
                v.seen_until > revision,
            )
        )
        query = sa.union_all(present, earlier).order_by("id").limit(limit)
        return [document_change(row) for row in self._connection.execute(query)]

    def chunks(
        self, workspace_id: WorkspaceId, generation: int, revision: int, after: str, answer_bytes: int
    ) -> list[ChunkChange]:
        """Return passages in the order of their ids, beyond `after`; about `answer_bytes`, at least one."""
        then = self._then(workspace_id, generation, revision, after)
        ids = [query.with_only_columns(table.c.id, table.c.bytes) for table, query in then]
        last, total = "", 0
        for row in self._connection.execute(sa.union_all(*ids).order_by("id").limit(_CHUNKS)):
            total += row.bytes + _CHUNK_BYTES
            if last and total > answer_bytes:
                break
            last = row.id
        whole = [query.where(table.c.id <= last) for table, query in then]
        rows = self._connection.execute(sa.union_all(*whole).order_by("id"))
        return [chunk_change(row) for row in rows]

    def _then(
        self, workspace_id: WorkspaceId, generation: int, revision: int, after: str
    ) -> list[tuple[sa.Table, sa.Select[Any]]]:
        """Where passages are, and the query for those that were there at a revision."""
        c, v = CHUNKS.c, CHUNK_VERSIONS.c
        present = sa.select(*(c[name] for name in _CHUNK_COLUMNS)).where(
            c.workspace_id == workspace_id,
            c.generation == generation,
            c.id > after,
            c.since <= revision,
            c.deleted.is_(False),
        )
        earlier = sa.select(*(v[name] for name in _CHUNK_COLUMNS)).where(
            v.workspace_id == workspace_id,
            v.generation == generation,
            v.id > after,
            v.since <= revision,
            v.until > revision,
        )
        return [(CHUNKS, present), (CHUNK_VERSIONS, earlier)]
