"""The indexing queue in the database."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import ContentType, DocumentId, Status
from services.knowledge.domain.errors import ClaimLost
from services.knowledge.domain.ports.queue import FIRST_WORKSPACE
from services.knowledge.domain.queue import Claim, IndexerId, Pace, Source, Waiting, fair
from services.knowledge.storage.bases import Insert, SqlBases
from services.knowledge.storage.queue_terms import (
    by_workspace,
    claimable,
    is_claimed,
    is_free,
    is_task,
    lapsed,
)
from services.knowledge.storage.tables import (
    CHUNKS,
    CONTENTS,
    DOCUMENTS,
    INDEXING_PACES,
    INDEXING_TASKS,
)
from services.runtime.database import UtcDateTime


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
            INDEXING_TASKS.delete().where(*is_task(workspace_id, document_id), is_free(at))
        )
        return taken.rowcount == 1

    def places(self, workspace_id: WorkspaceId, ids: Collection[DocumentId]) -> Mapping[DocumentId, int]:
        """
        Return the place, from 1, of those that wait in the workspace's queue.

        Counted from the end, where the newest are: those are asked for most.
        """
        c = INDEXING_TASKS.c
        mine = c.workspace_id == workspace_id
        asked = (
            sa.select(c.queued_at, c.document_id)
            .where(mine, c.document_id.in_(list(ids)))
            .order_by(c.queued_at.desc(), c.document_id.desc())
        )
        order = sa.tuple_(c.queued_at, c.document_id)
        length = sa.select(sa.func.count()).select_from(INDEXING_TASKS).where(mine)
        places, place, behind = {}, 0, None
        for row in self._connection.execute(asked).all():
            here = sa.tuple_(sa.literal(row.queued_at, UtcDateTime), sa.literal(row.document_id))
            between = length.where(order > here)
            if behind is None:
                place = self._connection.execute(length).scalar_one()
            else:
                between = between.where(order <= behind)
            place -= self._connection.execute(between).scalar_one()
            behind = here
            places[DocumentId(row.document_id)] = place
        return places

    def pace(self, workspace_id: WorkspaceId) -> Pace:
        """Return how fast the workspace's documents were indexed of late."""
        c = INDEXING_PACES.c
        query = sa.select(c.mean_seconds, c.documents, c.at).where(c.workspace_id == workspace_id)
        row = self._connection.execute(query).one_or_none()
        return Pace() if row is None else Pace(row.mean_seconds, row.documents, row.at)

    def waits(self, model: str, now: datetime) -> bool:
        """Return whether there is something to claim; costs no lock."""
        return self._connection.execute(claimable(model, now).limit(1)).first() is not None

    def claim(
        self,
        owner: IndexerId,
        model: str,
        limit: int,
        now: datetime,
        until: datetime,
        after: WorkspaceId = FIRST_WORKSPACE,
    ) -> list[Claim]:
        """Claim at most `limit` documents until an instant, workspaces in turn."""
        workspaces = list(self._connection.execute(claimable(model, now)).scalars())
        turns = [each for each in workspaces if each > after] + [each for each in workspaces if each <= after]
        # More workspaces than documents are wanted get no turn this time.
        queues = [self._waiting(WorkspaceId(each), limit, now) for each in turns[:limit]]
        chosen = fair(queues, limit)
        if not chosen:
            return []
        claims = {
            claim.document_id: claim
            for workspace_id, ids in by_workspace(chosen).items()
            for claim in self._free_claims(workspace_id, ids, now)
        }
        for claim in claims.values():
            self._take(claim, owner, until)
        return [claims[each.document_id] for each in chosen if each.document_id in claims]

    def renew(self, owner: IndexerId, claims: Collection[Claim], until: datetime) -> None:
        """Keep claims for longer."""
        t = INDEXING_TASKS.c
        for workspace_id, ids in by_workspace(claims).items():
            mine = (t.workspace_id == workspace_id, t.owner == owner)
            # A task that is locked is being changed; its claim is void or will be renewed the next time.
            query = sa.select(t.document_id).where(*mine, t.document_id.in_(ids))
            unlocked = self._connection.execute(query.with_for_update(skip_locked=True)).scalars().all()
            self._connection.execute(
                INDEXING_TASKS.update().where(*mine, t.document_id.in_(unlocked)).values(lease_until=until)
            )

    def source(self, workspace_id: WorkspaceId, claim: Claim) -> Source:
        """Return what a claimed document is made of; raise ClaimLost when the claim is void."""
        d, c = DOCUMENTS.c, CONTENTS.c
        joined = DOCUMENTS.join(CONTENTS, sa.and_(c.workspace_id == d.workspace_id, c.document_id == d.id))
        row = self._connection.execute(
            sa.select(d.title, d.content_type, c.content)
            .select_from(joined)
            .where(*is_claimed(workspace_id, claim))
        ).one_or_none()
        if row is None:
            raise ClaimLost("edited or deleted")
        k = CHUNKS.c
        generation = self._bases.get(workspace_id).serving.number
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
        document = sa.select(d.id).where(*is_claimed(workspace_id, claim)).with_for_update()
        task = (
            sa.select(t.document_id)
            .where(*is_task(workspace_id, claim.document_id), t.owner == owner)
            .with_for_update()
        )
        if any(self._connection.execute(query).one_or_none() is None for query in (document, task)):
            raise ClaimLost("edited, deleted or claimed by another")

    def postpone(self, workspace_id: WorkspaceId, claim: Claim, not_before: datetime, attempts: int) -> None:
        """Give a held claim back."""
        self._connection.execute(
            INDEXING_TASKS.update()
            .where(*is_task(workspace_id, claim.document_id))
            .values(owner=None, lease_until=None, not_before=not_before, attempts=attempts)
        )

    def finish(self, workspace_id: WorkspaceId, claim: Claim, at: datetime) -> None:
        """Take a held document out; it counts for the pace."""
        finished = (
            INDEXING_TASKS.delete()
            .where(*is_task(workspace_id, claim.document_id))
            .returning(INDEXING_TASKS.c.queued_at)
        )
        pace = self.pace(workspace_id).after(self._connection.execute(finished).scalar_one(), at)
        values = vars(pace)
        self._connection.execute(
            self._insert(INDEXING_PACES)
            .values(workspace_id=workspace_id, **values)
            .on_conflict_do_update(index_elements=["workspace_id"], set_=values)
        )

    def _waiting(self, workspace_id: WorkspaceId, limit: int, now: datetime) -> list[Waiting]:
        t = INDEXING_TASKS.c
        query = (
            sa.select(t.document_id, t.lapses + lapsed())
            .where(t.workspace_id == workspace_id, t.not_before <= now, is_free(now))
            .order_by(t.queued_at, t.document_id)
            .limit(limit)
        )
        return [
            Waiting(workspace_id, DocumentId(name), lapses)
            for name, lapses in self._connection.execute(query)
        ]

    def _free_claims(
        self, workspace_id: WorkspaceId, ids: Collection[DocumentId], now: datetime
    ) -> list[Claim]:
        """Lock those that are free; never waits, so that no order of locks matters: others keep theirs."""
        t, d = INDEXING_TASKS.c, DOCUMENTS.c
        joined = INDEXING_TASKS.join(
            DOCUMENTS, sa.and_(d.workspace_id == t.workspace_id, d.id == t.document_id)
        )
        query = (
            sa.select(
                t.document_id,
                t.content_version,
                d.fence,
                t.attempts,
                (t.lapses + lapsed()).label("lapses"),
            )
            .select_from(joined)
            .where(t.workspace_id == workspace_id, t.document_id.in_(ids), t.not_before <= now, is_free(now))
            .with_for_update(skip_locked=True)
        )
        return [
            Claim(
                workspace_id,
                DocumentId(row.document_id),
                row.content_version,
                row.fence + 1,
                row.attempts,
                row.lapses,
            )
            for row in self._connection.execute(query)
        ]

    def _take(self, claim: Claim, owner: IndexerId, until: datetime) -> None:
        d = DOCUMENTS.c
        self._connection.execute(
            INDEXING_TASKS.update()
            .where(*is_task(claim.workspace_id, claim.document_id))
            .values(owner=owner, lease_until=until, lapses=claim.lapses)
        )
        self._connection.execute(
            DOCUMENTS.update()
            .where(d.workspace_id == claim.workspace_id, d.id == claim.document_id)
            .values(status=Status.INDEXING, fence=claim.fence)
        )
