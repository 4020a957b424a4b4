"""Passages and their vectors in the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.chunking.passage import Chunk
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.errors import ClaimLost
from services.knowledge.domain.ports.documents import Holding, IndexedContent
from services.knowledge.storage.bases import Insert
from services.knowledge.storage.tables import (
    CHUNK_VERSIONS,
    CHUNKS,
    GENERATION_DOCUMENTS,
    GENERATION_TERMS,
)
from services.knowledge.storage.units import units_column

_FLOAT_BYTES = 4
_KEY = ["workspace_id", "generation", "id"]


class SqlChunks:
    """Passages in one transaction."""

    def __init__(self, connection: sa.Connection, insert: Insert) -> None:
        self._connection = connection
        self._insert = insert

    def holdings(
        self, workspace_id: WorkspaceId, document_id: DocumentId, generations: Collection[int]
    ) -> Mapping[int, Holding]:
        """Return what generations have of a document."""
        g = GENERATION_DOCUMENTS.c
        query = sa.select(g.generation, g.content_version, g.chunks).where(
            g.workspace_id == workspace_id, g.generation.in_(generations), g.document_id == document_id
        )
        rows = self._connection.execute(query)
        return {row.generation: Holding(row.content_version, row.chunks) for row in rows}

    def replace(
        self, workspace_id: WorkspaceId, generation: int, content: IndexedContent, revision: int, at: datetime
    ) -> None:
        """Make `content` what a generation has of a document, with tombstones for what is no more."""
        before = self._ordinals(workspace_id, generation, content.document_id)
        wanted = {chunk.id for chunk in content.chunks}
        gone = [name for name in before if name not in wanted]
        fresh = [chunk for chunk in content.chunks if chunk.id in content.vectors]
        kept = [chunk for chunk in content.chunks if chunk.id not in content.vectors]
        if any(chunk.id not in before for chunk in kept):
            raise ClaimLost("the passages that were counted on are gone")
        rewritten = [chunk.id for chunk in fresh if chunk.id in before]
        self._archive(workspace_id, generation, gone + rewritten, revision, at)
        self._bury(workspace_id, generation, gone, revision)
        self._move(
            workspace_id, generation, [each for each in kept if before[each.id] != each.ordinal], revision
        )
        self._write(workspace_id, generation, content, fresh, revision)
        self._note(workspace_id, generation, content, revision)

    def delete_document(self, workspace_id: WorkspaceId, document_id: DocumentId) -> int:
        """Remove all passages of a document from all generations, with no tombstones; return how many."""
        c, g = CHUNKS.c, GENERATION_DOCUMENTS.c
        deleted = self._connection.execute(
            CHUNKS.delete()
            .where(
                c.workspace_id == workspace_id,
                c.generation.in_(self._generations(workspace_id, CHUNKS)),
                c.document_id == document_id,
            )
            .returning(c.deleted)
        )
        passages = sum(not tombstone for tombstone in deleted.scalars())
        self._connection.execute(
            GENERATION_DOCUMENTS.delete().where(
                g.workspace_id == workspace_id,
                g.generation.in_(self._generations(workspace_id, GENERATION_DOCUMENTS)),
                g.document_id == document_id,
            )
        )
        return passages

    def _generations(self, workspace_id: WorkspaceId, table: sa.Table) -> list[int]:
        """All that have rows, also one that is being removed: from one to the next in the table's key."""
        t = table.c
        first = sa.select(sa.func.min(t.generation)).where(t.workspace_id == workspace_id)
        found: list[int] = []
        following = self._connection.execute(first).scalar_one()
        while following is not None:
            found.append(following)
            following = self._connection.execute(first.where(t.generation > following)).scalar_one()
        return found

    def _ordinals(
        self, workspace_id: WorkspaceId, generation: int, document_id: DocumentId
    ) -> dict[str, int]:
        query = sa.select(CHUNKS.c.id, CHUNKS.c.ordinal).where(
            *_is(workspace_id, generation),
            CHUNKS.c.document_id == document_id,
            CHUNKS.c.deleted.is_(False),
        )
        return {row.id: row.ordinal for row in self._connection.execute(query)}

    def _archive(
        self, workspace_id: WorkspaceId, generation: int, names: Sequence[str], revision: int, at: datetime
    ) -> None:
        """Keep what searches have seen; nobody has of a generation that never served."""
        if not names:
            return
        v, c, t = CHUNK_VERSIONS.c, CHUNKS.c, GENERATION_TERMS.c
        served = sa.exists().where(t.workspace_id == workspace_id, t.generation == generation)
        same = [column for column in v if column.name in c]
        rows = sa.select(
            *(c[column.name] for column in same),
            sa.literal(revision, v.until.type),
            sa.literal(at, v.replaced_at.type),
        ).where(*_is(workspace_id, generation), c.id.in_(names), c.vector.is_not(None), served)
        self._connection.execute(CHUNK_VERSIONS.insert().from_select([*same, v.until, v.replaced_at], rows))

    def _bury(self, workspace_id: WorkspaceId, generation: int, names: Sequence[str], revision: int) -> None:
        if names:
            self._connection.execute(
                CHUNKS.update()
                .where(*_is(workspace_id, generation), CHUNKS.c.id.in_(names))
                .values(
                    text="",
                    heading_path=[],
                    vector=None,
                    units=[],
                    unit_vectors=None,
                    bytes=0,
                    tokens=0,
                    revision=revision,
                    deleted=True,
                )
            )

    def _move(
        self, workspace_id: WorkspaceId, generation: int, moved: Sequence[Chunk], revision: int
    ) -> None:
        if moved:
            self._connection.execute(
                CHUNKS.update()
                .where(*_is(workspace_id, generation), CHUNKS.c.id == sa.bindparam("name"))
                .values(ordinal=sa.bindparam("place"), revision=revision),
                [{"name": chunk.id, "place": chunk.ordinal} for chunk in moved],
            )

    def _write(
        self,
        workspace_id: WorkspaceId,
        generation: int,
        content: IndexedContent,
        fresh: Sequence[Chunk],
        revision: int,
    ) -> None:
        rows = [
            {
                "workspace_id": workspace_id,
                "generation": generation,
                "id": chunk.id,
                "document_id": content.document_id,
                "ordinal": chunk.ordinal,
                "heading_path": list(chunk.passage.heading_path),
                "text": chunk.passage.text,
                "tokens": chunk.passage.tokens,
                "vector": content.vectors[chunk.id].own,
                "kind": chunk.passage.kind,
                "units": units_column(chunk.units),
                "unit_vectors": bytes(content.vectors[chunk.id].units),
                "bytes": chunk.bytes(len(content.vectors[chunk.id].own) // _FLOAT_BYTES),
                "revision": revision,
                "since": revision,
                "deleted": False,
            }
            for chunk in fresh
        ]
        if rows:
            # A passage that was deleted and comes back takes its tombstone's row, one of before its own.
            statement = self._insert(CHUNKS)
            new = {name: statement.excluded[name] for name in rows[0] if name not in _KEY}
            self._connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=new), rows)

    def _note(
        self, workspace_id: WorkspaceId, generation: int, content: IndexedContent, revision: int
    ) -> None:
        values = {
            "content_version": content.content_version,
            "chunks": len(content.chunks),
            "revision": revision,
        }
        self._connection.execute(
            self._insert(GENERATION_DOCUMENTS)
            .values(
                workspace_id=workspace_id, generation=generation, document_id=content.document_id, **values
            )
            .on_conflict_do_update(index_elements=["workspace_id", "generation", "document_id"], set_=values)
        )


def _is(workspace_id: WorkspaceId, generation: int) -> tuple[sa.ColumnElement[bool], ...]:
    return CHUNKS.c.workspace_id == workspace_id, CHUNKS.c.generation == generation
