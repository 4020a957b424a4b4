"""Earlier versions of documents in the database."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import (
    Document,
    DocumentId,
)
from services.knowledge.domain.version import Version
from services.knowledge.storage.descriptions import description
from services.knowledge.storage.tables import CHUNK_VERSIONS, CONTENTS, DOCUMENT_VERSIONS, KNOWLEDGE_BASES

# All but the content.
_COLUMNS = [column for column in DOCUMENT_VERSIONS.c if column.name != "content"]


class SqlVersions:
    """Versions in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def keep(
        self,
        workspace_id: WorkspaceId,
        present: Document,
        seen_until: int,
        at: datetime,
        *,
        with_content: bool,
    ) -> None:
        """Keep a document as it is stored now, before it is changed."""
        description, c = present.description, CONTENTS.c
        stored = sa.select(c.content).where(c.workspace_id == workspace_id, c.document_id == present.id)
        self._connection.execute(
            DOCUMENT_VERSIONS.insert().values(
                workspace_id=workspace_id,
                document_id=present.id,
                version=present.version,
                title=description.title,
                content_type=description.content_type,
                url=description.url,
                tags=list(description.tags),
                locale=description.locale,
                audience=description.audience,
                active=description.active,
                metadata=dict(description.metadata),
                content_sha256=present.content_sha256,
                bytes=present.bytes,
                content=stored.scalar_subquery() if with_content else None,
                revision=present.whole_since,
                seen_since=present.seen_since,
                seen_until=seen_until,
                created_at=present.updated_at,
                replaced_at=at,
            )
        )

    def get(self, workspace_id: WorkspaceId, document_id: DocumentId, number: int) -> Version | None:
        """Return an earlier version."""
        query = sa.select(*_COLUMNS).where(
            *_of(workspace_id, document_id), DOCUMENT_VERSIONS.c.version == number
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _version(row)

    def content(self, workspace_id: WorkspaceId, document_id: DocumentId, version: Version) -> bytes | None:
        """Return what a version's content was; None where it is not kept."""
        v = DOCUMENT_VERSIONS.c
        kept = (
            sa.select(v.content)
            .where(
                *_of(workspace_id, document_id),
                v.version >= version.number,
                v.content_sha256 == version.content_sha256,
                v.content.is_not(None),
            )
            .order_by(v.version)
            .limit(1)
        )
        found = self._connection.execute(kept).scalar_one_or_none()
        return None if found is None else bytes(found)

    def page(
        self, workspace_id: WorkspaceId, document_id: DocumentId, before: int, limit: int
    ) -> list[Version]:
        """Return the versions below number `before`, newest first."""
        v = DOCUMENT_VERSIONS.c
        query = (
            sa.select(*_COLUMNS)
            .where(*_of(workspace_id, document_id), v.version < before)
            .order_by(v.version.desc())
            .limit(limit)
        )
        return [_version(row) for row in self._connection.execute(query)]

    def delete(self, workspace_id: WorkspaceId, document_id: DocumentId) -> tuple[int, int]:
        """Remove a document's versions and their passages; return how many, and their contents' bytes."""
        v, k = DOCUMENT_VERSIONS.c, CHUNK_VERSIONS.c
        size = sa.func.sum(sa.case((v.content.is_not(None), v.bytes), else_=0))
        query = sa.select(sa.func.count(), sa.func.coalesce(size, 0)).where(*_of(workspace_id, document_id))
        versions, bytes_ = self._connection.execute(query).one()
        self._connection.execute(DOCUMENT_VERSIONS.delete().where(*_of(workspace_id, document_id)))
        self._connection.execute(
            CHUNK_VERSIONS.delete().where(k.workspace_id == workspace_id, k.document_id == document_id)
        )
        return versions, int(bytes_)

    def expired(self, before: datetime) -> WorkspaceId | None:
        """Return a workspace that keeps something which was replaced before an instant."""
        for table in (DOCUMENT_VERSIONS, CHUNK_VERSIONS):
            eldest = (
                sa.select(table.c.workspace_id)
                .where(table.c.replaced_at < before)
                .order_by(table.c.replaced_at)
                .limit(1)
            )
            found = self._connection.execute(eldest).scalar_one_or_none()
            if found is not None:
                return WorkspaceId(found)
        return None

    def prune(self, workspace_id: WorkspaceId, before: datetime, limit: int) -> int:
        """Remove the eldest versions, of documents and of passages, that were replaced before an instant."""
        v, k, b = DOCUMENT_VERSIONS.c, CHUNK_VERSIONS.c, KNOWLEDGE_BASES.c
        removed = [
            *self._prune(
                workspace_id, DOCUMENT_VERSIONS, (v.document_id, v.version), v.seen_until, before, limit
            ),
            *self._prune(workspace_id, CHUNK_VERSIONS, (k.generation, k.id, k.since), k.until, before, limit),
        ]
        if removed:
            self._connection.execute(
                KNOWLEDGE_BASES.update()
                .where(b.workspace_id == workspace_id, b.past_from_revision < max(removed))
                .values(past_from_revision=max(removed))
            )
        return len(removed)

    def _prune(
        self,
        workspace_id: WorkspaceId,
        table: sa.Table,
        key: tuple[sa.Column[Any], ...],
        until: sa.Column[int],
        before: datetime,
        limit: int,
    ) -> list[int]:
        """Remove the eldest rows; return up to before which revision each of them counted."""
        c = table.c
        eldest = (
            sa.select(*key)
            .where(c.workspace_id == workspace_id, c.replaced_at < before)
            .order_by(c.replaced_at)
            .limit(limit)
        )
        gone = table.delete().where(c.workspace_id == workspace_id, sa.tuple_(*key).in_(eldest))
        return list(self._connection.execute(gone.returning(until)).scalars())


def _of(workspace_id: WorkspaceId, document_id: DocumentId) -> tuple[sa.ColumnElement[bool], ...]:
    v = DOCUMENT_VERSIONS.c
    return v.workspace_id == workspace_id, v.document_id == document_id


def _version(row: sa.Row[Any]) -> Version:
    return Version(
        number=row.version,
        description=description(row),
        content_sha256=row.content_sha256,
        bytes=row.bytes,
        whole_since=row.revision,
        created_at=row.created_at,
        replaced_at=row.replaced_at,
    )
