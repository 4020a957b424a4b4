"""Rows as search must know them."""

from typing import Any

import sqlalchemy as sa

from services.knowledge.domain.change_feed import ChunkChange, DocumentChange
from services.knowledge.domain.chunking.passage import PassageKind
from services.knowledge.domain.document import Audience, DocumentId
from services.knowledge.storage.units import units_of


def document_change(row: sa.Row[Any]) -> DocumentChange:
    """Return a document, of a row with the columns of documents."""
    return DocumentChange(
        document_id=DocumentId(row.id),
        title=row.title,
        url=row.url,
        tags=tuple(row.tags),
        locale=row.locale,
        audience=Audience(row.audience),
        active=row.active,
        updated_at=row.updated_at,
    )


def chunk_change(row: sa.Row[Any]) -> ChunkChange:
    """Return a passage, of a row with the columns of chunks."""
    return ChunkChange(
        chunk_id=row.id,
        document_id=DocumentId(row.document_id),
        ordinal=row.ordinal,
        heading_path=tuple(row.heading_path),
        text=row.text,
        vector=bytes(row.vector),
        kind=PassageKind(row.kind),
        units=units_of(row.units),
        unit_vectors=bytes(row.unit_vectors or b""),
    )
