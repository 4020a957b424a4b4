"""Documents in the database."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.knowledge.domain.document import (
    Document,
    DocumentId,
    Failure,
    Status,
)
from services.knowledge.domain.ports.documents import ListFilters, Totals
from services.knowledge.storage.descriptions import description
from services.knowledge.storage.tables import (
    CONTENTS,
    DOCUMENT_TAGS,
    DOCUMENT_TOMBSTONES,
    DOCUMENTS,
    INDEXING_TASKS,
)
from services.knowledge.storage.waiting import waiting_up_to
from services.runtime.database import UtcDateTime

_PENDING = (Status.QUEUED, Status.INDEXING, Status.PUBLISHING)


class SqlDocuments:
    """Documents in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, workspace_id: WorkspaceId, document_id: DocumentId) -> Document | None:
        """Return a document."""
        query = sa.select(DOCUMENTS).where(*_is(workspace_id, document_id))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _document(row)

    def by_external_ids(
        self, workspace_id: WorkspaceId, external_ids: Collection[str]
    ) -> Mapping[str, Document]:
        """Return those that exist, by external id."""
        c = DOCUMENTS.c
        query = sa.select(DOCUMENTS).where(
            c.workspace_id == workspace_id, c.external_id.in_(list(external_ids))
        )
        return {row.external_id: _document(row) for row in self._connection.execute(query)}

    def content(self, workspace_id: WorkspaceId, document_id: DocumentId) -> bytes:
        """Return the content of a document that exists."""
        c = CONTENTS.c
        query = sa.select(c.content).where(c.workspace_id == workspace_id, c.document_id == document_id)
        return bytes(self._connection.execute(query).scalar_one())

    def page(
        self,
        workspace_id: WorkspaceId,
        filters: ListFilters,
        after: Place | None,
        limit: int,
    ) -> list[Document]:
        """Return documents older than `after`, newest first."""
        c = DOCUMENTS.c
        query = sa.select(DOCUMENTS).where(c.workspace_id == workspace_id)
        if filters.status:
            query = query.where(c.status.in_([each for each in Status if each.public == filters.status]))
        if filters.active is not None:
            query = query.where(c.active.is_(filters.active))
        if filters.tag:
            tagged = sa.select(DOCUMENT_TAGS.c.document_id).where(
                DOCUMENT_TAGS.c.workspace_id == workspace_id, DOCUMENT_TAGS.c.tag == filters.tag
            )
            query = query.where(c.id.in_(tagged))
        if filters.external_id:
            query = query.where(c.external_id == filters.external_id)
        if filters.updated_after is not None:
            query = query.where(c.updated_at > filters.updated_after)
        if after is not None:
            place = sa.tuple_(sa.literal(after.created_at, UtcDateTime), sa.literal(after.id))
            query = query.where(sa.tuple_(c.created_at, c.id) < place)
        query = query.order_by(c.created_at.desc(), c.id.desc()).limit(limit)
        return [_document(row) for row in self._connection.execute(query)]

    def totals(self, workspace_id: WorkspaceId) -> Totals:
        """Return the sums."""
        c = DOCUMENTS.c
        query = (
            sa.select(
                c.status,
                sa.func.count().label("documents"),
                sa.func.sum(c.chunks).label("chunks"),
                # A sum of integers is a decimal in PostgreSQL.
                sa.cast(sa.func.sum(c.bytes), sa.BigInteger).label("size"),
            )
            .where(c.workspace_id == workspace_id)
            .group_by(c.status)
        )
        rows = self._connection.execute(query).all()
        return Totals(
            documents=sum(row.documents for row in rows),
            chunks=sum(row.chunks for row in rows),
            bytes=sum(row.size for row in rows),
            pending=sum(row.documents for row in rows if row.status in _PENDING),
            failed=sum(row.documents for row in rows if row.status == Status.FAILED),
        )

    def add(self, workspace_id: WorkspaceId, document: Document, content: bytes) -> None:
        """Store a new document."""
        # Values beside the statement, not in it: SQLAlchemy then has next to nothing to do for each of many.
        row = {"workspace_id": workspace_id, "id": document.id, "fence": 0, "revised_at": document.created_at}
        self._connection.execute(DOCUMENTS.insert(), row | _values(document))
        self._connection.execute(
            CONTENTS.insert(),
            {"workspace_id": workspace_id, "document_id": document.id, "content": content},
        )
        self._tag(workspace_id, document)

    def update(
        self, workspace_id: WorkspaceId, document: Document, content: bytes | None, revised_at: datetime
    ) -> None:
        """Store a changed document; `content` None: as it was."""
        values = _values(document)
        revision = DOCUMENTS.c.revision
        values["revised_at"] = sa.case(
            (revision == document.revision, DOCUMENTS.c.revised_at),
            else_=sa.literal(revised_at, DOCUMENTS.c.revised_at.type),
        )
        self._connection.execute(DOCUMENTS.update().where(*_is(workspace_id, document.id)).values(**values))
        if content is not None:
            c = CONTENTS.c
            self._connection.execute(
                CONTENTS.update()
                .where(c.workspace_id == workspace_id, c.document_id == document.id)
                .values(content=content)
            )
        self._untag(workspace_id, document.id)
        self._tag(workspace_id, document)

    def delete(self, workspace_id: WorkspaceId, document: Document, revision: int, at: datetime) -> None:
        """Remove a document and its place in the queue; `revision` > 0: leave a tombstone in the feed."""
        self._connection.execute(DOCUMENTS.delete().where(*_is(workspace_id, document.id)))
        for table in (CONTENTS, DOCUMENT_TAGS, INDEXING_TASKS):
            self._connection.execute(
                table.delete().where(table.c.workspace_id == workspace_id, table.c.document_id == document.id)
            )
        if revision:
            self._connection.execute(
                DOCUMENT_TOMBSTONES.insert().values(
                    workspace_id=workspace_id, document_id=document.id, revision=revision, deleted_at=at
                )
            )

    def set_status(
        self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        status: Status,
        error: Failure | None = None,
    ) -> None:
        """Change how far a document is."""
        self._connection.execute(
            DOCUMENTS.update()
            .where(*_is(workspace_id, document_id))
            .values(
                status=status,
                error_code=error.code if error else None,
                error_detail=error.detail if error else None,
            )
        )

    def publish(
        self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        revision: int,
        chunks: int,
        embedded: int,
        at: datetime,
    ) -> None:
        """Note that the passages of the present content are in the feed, so many of them embedded for it."""
        self._connection.execute(
            DOCUMENTS.update()
            .where(*_is(workspace_id, document_id))
            .values(
                status=Status.PUBLISHING,
                error_code=None,
                error_detail=None,
                chunks=chunks,
                chunks_embedded=embedded,
                revision=revision,
                content_revision=revision,
                seen_since=sa.case((DOCUMENTS.c.seen_since == 0, revision), else_=DOCUMENTS.c.seen_since),
                revised_at=at,
            )
        )

    def confirm(self, workspace_id: WorkspaceId, floor: int, at: datetime, limit: int) -> list[DocumentId]:
        """Make some of what is published up to revision `floor` indexed, the eldest; return what was."""
        c = DOCUMENTS.c
        confirm = (
            DOCUMENTS.update()
            .where(c.workspace_id == workspace_id, c.id.in_(waiting_up_to(workspace_id, floor).limit(limit)))
            .values(status=Status.INDEXED, indexed_at=at)
            .returning(c.id)
        )
        return list(self._connection.execute(confirm).scalars())

    def _tag(self, workspace_id: WorkspaceId, document: Document) -> None:
        rows = [
            {"workspace_id": workspace_id, "document_id": document.id, "tag": tag}
            for tag in document.description.tags
        ]
        if rows:
            self._connection.execute(DOCUMENT_TAGS.insert(), rows)

    def _untag(self, workspace_id: WorkspaceId, document_id: DocumentId) -> None:
        c = DOCUMENT_TAGS.c
        self._connection.execute(
            DOCUMENT_TAGS.delete().where(c.workspace_id == workspace_id, c.document_id == document_id)
        )


def _is(workspace_id: WorkspaceId, document_id: DocumentId) -> tuple[sa.ColumnElement[bool], ...]:
    return DOCUMENTS.c.workspace_id == workspace_id, DOCUMENTS.c.id == document_id


def _values(document: Document) -> dict[str, Any]:
    description = document.description
    return {
        "external_id": description.external_id or None,
        "title": description.title,
        "content_type": description.content_type,
        "url": description.url,
        "tags": list(description.tags),
        "locale": description.locale,
        "audience": description.audience,
        "active": description.active,
        "metadata": dict(description.metadata),
        "content_sha256": document.content_sha256,
        "bytes": document.bytes,
        "status": document.status,
        "error_code": document.error.code if document.error else None,
        "error_detail": document.error.detail if document.error else None,
        "chunks": document.chunks,
        "chunks_embedded": document.chunks_embedded,
        "version": document.version,
        "content_version": document.content_version,
        "revision": document.revision,
        "content_revision": document.content_revision,
        "seen_since": document.seen_since,
        "created_at": document.created_at,
        "updated_at": document.updated_at,
        "indexed_at": document.indexed_at,
    }


def _document(row: sa.Row[Any]) -> Document:
    return Document(
        id=DocumentId(row.id),
        description=description(row, row.external_id or ""),
        content_sha256=row.content_sha256,
        bytes=row.bytes,
        created_at=row.created_at,
        updated_at=row.updated_at,
        status=Status(row.status),
        error=Failure(row.error_code, row.error_detail) if row.error_code else None,
        chunks=row.chunks,
        chunks_embedded=row.chunks_embedded,
        version=row.version,
        content_version=row.content_version,
        revision=row.revision,
        content_revision=row.content_revision,
        seen_since=row.seen_since,
        indexed_at=row.indexed_at,
    )
