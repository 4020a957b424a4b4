"""Passages and their vectors in the database."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.chunk_vectors import ChunkVectors
from services.knowledge.domain.chunking.passage import Chunk
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.errors import ClaimLost
from services.knowledge.storage.bases import Insert, SqlBases
from services.knowledge.storage.tables import CHUNKS
from services.knowledge.storage.units import units_column

_FLOAT_BYTES = 4
_KEY = ["workspace_id", "generation", "id"]


class SqlChunks:
    """Passages in one transaction."""

    def __init__(self, connection: sa.Connection, insert: Insert, bases: SqlBases) -> None:
        self._connection = connection
        self._insert = insert
        self._bases = bases

    def replace(
        self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        chunks: Sequence[Chunk],
        vectors: Mapping[str, ChunkVectors],
        revision: int,
    ) -> None:
        """Make `chunks` the passages of a document, with tombstones for those that are no more."""
        generation = self._bases.get(workspace_id).serving.number
        before = self._ordinals(workspace_id, generation, document_id)
        wanted = {chunk.id for chunk in chunks}
        gone = [name for name in before if name not in wanted]
        fresh = [chunk for chunk in chunks if chunk.id in vectors]
        kept = [chunk for chunk in chunks if chunk.id not in vectors]
        if any(chunk.id not in before for chunk in kept):
            raise ClaimLost("the passages that were counted on are gone")
        moved = [chunk for chunk in kept if before[chunk.id] != chunk.ordinal]
        self._bury(workspace_id, generation, gone, revision)
        for chunk in moved:
            self._connection.execute(
                CHUNKS.update()
                .where(*self._is(workspace_id, generation), CHUNKS.c.id == chunk.id)
                .values(ordinal=chunk.ordinal, revision=revision)
            )
        rows = [
            {
                "workspace_id": workspace_id,
                "generation": generation,
                "id": chunk.id,
                "document_id": document_id,
                "ordinal": chunk.ordinal,
                "heading_path": list(chunk.passage.heading_path),
                "text": chunk.passage.text,
                "tokens": chunk.passage.tokens,
                "vector": vectors[chunk.id].own,
                "kind": chunk.passage.kind,
                "units": units_column(chunk.units),
                "unit_vectors": bytes(vectors[chunk.id].units),
                "bytes": chunk.bytes(len(vectors[chunk.id].own) // _FLOAT_BYTES),
                "revision": revision,
                "deleted": False,
            }
            for chunk in fresh
        ]
        if rows:
            # A passage that was deleted and comes back takes its tombstone's row, one of before its own.
            statement = self._insert(CHUNKS)
            new = {name: statement.excluded[name] for name in rows[0] if name not in _KEY}
            self._connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=new), rows)

    def _ordinals(
        self, workspace_id: WorkspaceId, generation: int, document_id: DocumentId
    ) -> dict[str, int]:
        query = sa.select(CHUNKS.c.id, CHUNKS.c.ordinal).where(
            *self._is(workspace_id, generation),
            CHUNKS.c.document_id == document_id,
            CHUNKS.c.deleted.is_(False),
        )
        return {row.id: row.ordinal for row in self._connection.execute(query)}

    def _bury(self, workspace_id: WorkspaceId, generation: int, names: Sequence[str], revision: int) -> None:
        if names:
            self._connection.execute(
                CHUNKS.update()
                .where(*self._is(workspace_id, generation), CHUNKS.c.id.in_(names))
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

    def _is(self, workspace_id: WorkspaceId, generation: int) -> tuple[sa.ColumnElement[bool], ...]:
        return CHUNKS.c.workspace_id == workspace_id, CHUNKS.c.generation == generation
