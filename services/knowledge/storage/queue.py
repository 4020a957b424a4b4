"""The indexing queue in the database."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import ContentType, DocumentId, Status
from services.knowledge.domain.errors import ClaimLost
from services.knowledge.domain.queue import Claim, IndexerId, Source, Waiting, fair
from services.knowledge.storage.bases import Insert, SqlBases
from services.knowledge.storage.tables import (
    CHUNKS,
    CONTENTS,
    DOCUMENTS,
    GENERATIONS,
    INDEXING_TASKS,
    KNOWLEDGE_BASES,
)

# So many documents give the pace of a workspace.
_RECENT = 20


class SqlQueue:
    """The queue in one transaction."""

    def __init__(self, connection: sa.Connection, insert: Insert, bases: SqlBases) -> None:
        self._connection = connection
        self._insert = insert
        self._bases = bases

    def put(
        self, workspace_id: WorkspaceId, document_id: DocumentId, content_version: int, at: datetime
    ) -> None:
        """Queue a document at a content version; a claim that somebody has on it is void."""
        row = {"workspace_id": workspace_id, "document_id": document_id, "queued_at": at}
        anew = {
            "content_version": content_version,
            "not_before": at,
            "attempts": 0,
            "lapses": 0,
            "owner": None,
            "lease_until": None,
        }
        self._connection.execute(self._put, row | anew)

    @cached_property
    def _put(self) -> sa.Executable:
        task = self._insert(INDEXING_TASKS)
        names = set(INDEXING_TASKS.c.keys()) - {"workspace_id", "document_id", "queued_at"}
        return task.on_conflict_do_update(
            index_elements=["workspace_id", "document_id"], set_={name: task.excluded[name] for name in names}
        )

    def withdraw(self, workspace_id: WorkspaceId, document_id: DocumentId, at: datetime) -> bool:
        """Take a document out unless an indexer holds it; return whether that was done."""
        taken = self._connection.execute(
            INDEXING_TASKS.delete().where(*_task(workspace_id, document_id), _free(at))
        )
        return taken.rowcount == 1

    def places(self, workspace_id: WorkspaceId, ids: Collection[DocumentId]) -> Mapping[DocumentId, int]:
        """Return the place, from 1, of those that wait in the workspace's queue."""
        c = INDEXING_TASKS.c
        ranked = (
            sa.select(
                c.document_id,
                sa.func.row_number().over(order_by=(c.queued_at, c.document_id)).label("place"),
            )
            .where(c.workspace_id == workspace_id)
            .subquery()
        )
        query = sa.select(ranked).where(ranked.c.document_id.in_(list(ids)))
        return {DocumentId(row.document_id): row.place for row in self._connection.execute(query)}

    def pace(self, workspace_id: WorkspaceId) -> float:
        """Return how many seconds a document took of late; 1 where that is not known."""
        c = DOCUMENTS.c
        recent = (
            sa.select(c.indexed_at)
            .where(c.workspace_id == workspace_id, c.indexed_at.is_not(None))
            .order_by(c.indexed_at.desc())
            .limit(_RECENT)
        )
        instants = list(self._connection.execute(recent).scalars())
        if len(instants) < 2:
            return 1.0
        seconds: float = (instants[0] - instants[-1]).total_seconds()
        return max(0.05, seconds / (len(instants) - 1))

    def waits(self, model: str, now: datetime) -> bool:
        """Return whether there is something to claim; costs no lock."""
        return bool(self._workspaces(model, now))

    def claim(self, owner: IndexerId, model: str, limit: int, now: datetime, until: datetime) -> list[Claim]:
        """Claim at most `limit` documents until an instant, workspaces in turn."""
        chosen = fair([self._waiting(each, limit, now) for each in self._workspaces(model, now)], limit)
        if not chosen:
            return []
        t, d = INDEXING_TASKS.c, DOCUMENTS.c
        joined = INDEXING_TASKS.join(
            DOCUMENTS, sa.and_(d.workspace_id == t.workspace_id, d.id == t.document_id)
        )
        # Never waits for a lock, so that no order of locks matters: what others hold is left to them.
        query = (
            sa.select(
                t.workspace_id,
                t.document_id,
                t.content_version,
                d.fence,
                t.attempts,
                (t.lapses + _lapsed()).label("lapses"),
            )
            .select_from(joined)
            .where(
                sa.tuple_(t.workspace_id, t.document_id).in_(
                    [(each.workspace_id, each.document_id) for each in chosen]
                ),
                t.not_before <= now,
                _free(now),
            )
            .with_for_update(skip_locked=True)
        )
        claims = [
            Claim(
                WorkspaceId(row.workspace_id),
                DocumentId(row.document_id),
                row.content_version,
                row.fence + 1,
                row.attempts,
                row.lapses,
            )
            for row in self._connection.execute(query)
        ]
        for claim in claims:
            self._take(claim, owner, until)
        return claims

    def renew(self, owner: IndexerId, claims: Collection[Claim], until: datetime) -> None:
        """Keep claims for longer."""
        if not claims:
            return
        t = INDEXING_TASKS.c
        mine = (
            t.owner == owner,
            sa.tuple_(t.workspace_id, t.document_id).in_(
                [(each.workspace_id, each.document_id) for each in claims]
            ),
        )
        # A task that is locked is being changed; its claim is void or will be renewed the next time.
        query = sa.select(t.workspace_id, t.document_id).where(*mine).with_for_update(skip_locked=True)
        free = [(row.workspace_id, row.document_id) for row in self._connection.execute(query)]
        self._connection.execute(
            INDEXING_TASKS.update()
            .where(t.owner == owner, sa.tuple_(t.workspace_id, t.document_id).in_(free))
            .values(lease_until=until)
        )

    def source(self, workspace_id: WorkspaceId, claim: Claim) -> Source:
        """Return what a claimed document is made of; raise ClaimLost when the claim is void."""
        d, c = DOCUMENTS.c, CONTENTS.c
        joined = DOCUMENTS.join(CONTENTS, sa.and_(c.workspace_id == d.workspace_id, c.document_id == d.id))
        row = self._connection.execute(
            sa.select(d.title, d.content_type, c.content)
            .select_from(joined)
            .where(*_claimed(workspace_id, claim))
        ).one_or_none()
        if row is None:
            raise ClaimLost("edited or deleted")
        k = CHUNKS.c
        generation = self._bases.get(workspace_id).generation
        names = self._connection.execute(
            sa.select(k.id).where(
                k.workspace_id == workspace_id,
                k.generation == generation,
                k.document_id == claim.document_id,
                k.deleted.is_(False),
                k.units.is_not(None),
            )
        ).scalars()
        return Source(row.title, ContentType(row.content_type), bytes(row.content), frozenset(names))

    def hold(self, workspace_id: WorkspaceId, claim: Claim, owner: IndexerId) -> None:
        """Raise ClaimLost unless the claim is still good; it stays so until the end of the transaction."""
        d, t = DOCUMENTS.c, INDEXING_TASKS.c
        document = sa.select(d.id).where(*_claimed(workspace_id, claim)).with_for_update()
        task = (
            sa.select(t.document_id)
            .where(*_task(workspace_id, claim.document_id), t.owner == owner)
            .with_for_update()
        )
        if any(self._connection.execute(query).one_or_none() is None for query in (document, task)):
            raise ClaimLost("edited, deleted or claimed by another")

    def postpone(self, workspace_id: WorkspaceId, claim: Claim, not_before: datetime, attempts: int) -> None:
        """Give a held claim back."""
        self._connection.execute(
            INDEXING_TASKS.update()
            .where(*_task(workspace_id, claim.document_id))
            .values(owner=None, lease_until=None, not_before=not_before, attempts=attempts)
        )

    def finish(self, workspace_id: WorkspaceId, claim: Claim) -> None:
        """Take a held document out."""
        self._connection.execute(INDEXING_TASKS.delete().where(*_task(workspace_id, claim.document_id)))

    def _workspaces(self, model: str, now: datetime) -> list[WorkspaceId]:
        """Workspaces with something to claim whose vectors are of this model, or of none yet."""
        t, b, g = INDEXING_TASKS.c, KNOWLEDGE_BASES.c, GENERATIONS.c
        joined = INDEXING_TASKS.join(KNOWLEDGE_BASES, b.workspace_id == t.workspace_id).outerjoin(
            GENERATIONS,
            sa.and_(g.workspace_id == b.workspace_id, g.generation == b.generation),
        )
        query = (
            sa.select(t.workspace_id)
            .select_from(joined)
            .where(
                t.not_before <= now,
                _free(now),
                sa.or_(g.embedding_model.is_(None), g.embedding_model == model),
            )
            .group_by(t.workspace_id)
            .order_by(sa.func.min(t.queued_at))
        )
        return [WorkspaceId(each) for each in self._connection.execute(query).scalars()]

    def _waiting(self, workspace_id: WorkspaceId, limit: int, now: datetime) -> list[Waiting]:
        t = INDEXING_TASKS.c
        query = (
            sa.select(t.document_id, t.lapses + _lapsed())
            .where(t.workspace_id == workspace_id, t.not_before <= now, _free(now))
            .order_by(t.queued_at, t.document_id)
            .limit(limit)
        )
        return [
            Waiting(workspace_id, DocumentId(name), lapses)
            for name, lapses in self._connection.execute(query)
        ]

    def _take(self, claim: Claim, owner: IndexerId, until: datetime) -> None:
        d = DOCUMENTS.c
        self._connection.execute(
            INDEXING_TASKS.update()
            .where(*_task(claim.workspace_id, claim.document_id))
            .values(owner=owner, lease_until=until, lapses=claim.lapses)
        )
        self._connection.execute(
            DOCUMENTS.update()
            .where(d.workspace_id == claim.workspace_id, d.id == claim.document_id)
            .values(status=Status.INDEXING, fence=claim.fence)
        )


def _task(workspace_id: WorkspaceId, document_id: DocumentId) -> tuple[sa.ColumnElement[bool], ...]:
    t = INDEXING_TASKS.c
    return t.workspace_id == workspace_id, t.document_id == document_id


def _claimed(workspace_id: WorkspaceId, claim: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    d = DOCUMENTS.c
    return (
        d.workspace_id == workspace_id,
        d.id == claim.document_id,
        d.content_version == claim.content_version,
        d.fence == claim.fence,
    )


def _free(now: datetime) -> sa.ColumnElement[bool]:
    t = INDEXING_TASKS.c
    return sa.or_(t.owner.is_(None), t.lease_until < now)


def _lapsed() -> sa.ColumnElement[int]:
    # A free task that still has an owner: its indexer died.
    return sa.case((INDEXING_TASKS.c.owner.is_not(None), 1), else_=0)
