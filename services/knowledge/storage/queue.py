"""The indexing queue in the database."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId, Status
from services.knowledge.domain.errors import ClaimLost
from services.knowledge.domain.ports.queue import FIRST_WORKSPACE
from services.knowledge.domain.queue import Claim, IndexerId, Pace, Source, Waiting, fair
from services.knowledge.storage.bases import Insert, SqlBases
from services.knowledge.storage.claimed_sources import ClaimedSources
from services.knowledge.storage.queue_terms import (
    background_task,
    by_workspace,
    claimable,
    is_claimed,
    is_free,
    is_task,
    lacking_tasks,
    lapsed,
    task,
)
from services.knowledge.storage.tables import DOCUMENTS, INDEXING_PACES, INDEXING_TASKS
from services.runtime.database import UtcDateTime


class SqlQueue:
    """The queue in one transaction."""

    def __init__(self, connection: sa.Connection, insert: Insert, bases: SqlBases) -> None:
        self._connection = connection
        self._insert = insert
        self._sources = ClaimedSources(connection, bases)

    def put(
        self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        content_version: int,
        at: datetime,
        *,
        background: bool = False,
        anew: bool = False,
    ) -> None:
        """Queue a document at a content version, at the front or in the background."""
        row = {"workspace_id": workspace_id, "document_id": document_id, "content_version": content_version}
        fresh = self._fresh(at) | {"background": background, "anew": anew}
        self._connection.execute(self._background_task if background else self._task, row | fresh)

    def put_lacking(self, workspace_id: WorkspaceId, generation: int, at: datetime) -> None:
        """Queue in the background all documents whose present content a generation does not have."""
        row = {"workspace_id": workspace_id, **self._fresh(at), "background": True, "anew": False}
        self._connection.execute(lacking_tasks(self._insert, workspace_id, generation, row))

    def drop_background(self, workspace_id: WorkspaceId) -> None:
        """Take out what `put_lacking` has put; claims on it are void."""
        t = INDEXING_TASKS.c
        self._connection.execute(
            INDEXING_TASKS.delete().where(
                t.workspace_id == workspace_id, t.background.is_(True), t.anew.is_(False)
            )
        )

    @cached_property
    def _task(self) -> sa.Executable:
        return task(self._insert)

    @cached_property
    def _background_task(self) -> sa.Executable:
        return background_task(self._insert)

    @staticmethod
    def _fresh(at: datetime) -> dict[str, object]:
        nothing = {"attempts": 0, "lapses": 0, "owner": None, "lease_until": None}
        return {"queued_at": at, "not_before": at, **nothing}

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
            sa.select(c.background, c.queued_at, c.document_id)
            .where(mine, c.document_id.in_(list(ids)))
            .order_by(c.background.desc(), c.queued_at.desc(), c.document_id.desc())
        )
        order = sa.tuple_(c.background, c.queued_at, c.document_id)
        length = sa.select(sa.func.count()).select_from(INDEXING_TASKS).where(mine)
        places, place, behind = {}, 0, None
        for row in self._connection.execute(asked).all():
            here = sa.tuple_(
                sa.literal(row.background),
                sa.literal(row.queued_at, UtcDateTime),
                sa.literal(row.document_id),
            )
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

    def waits(self, models: Collection[str], now: datetime) -> bool:
        """Return whether there is something to claim; costs no lock."""
        return self._connection.execute(claimable(models, now).limit(1)).first() is not None

    def left_alone(self, models: Collection[str], now: datetime) -> list[WorkspaceId]:
        """Return where something waits that nobody who has just these models can claim."""
        return list(self._connection.execute(claimable(models, now, known=False)).scalars())

    def claim(
        self,
        owner: IndexerId,
        models: Collection[str],
        limit: int,
        now: datetime,
        until: datetime,
        after: WorkspaceId = FIRST_WORKSPACE,
    ) -> list[Claim]:
        """Claim at most `limit` documents until an instant, workspaces in turn."""
        workspaces = list(self._connection.execute(claimable(models, now)).scalars())
        turns = [each for each in workspaces if each > after] + [each for each in workspaces if each <= after]
        # More workspaces than documents are wanted get no turn this time.
        queues = [self._waiting(WorkspaceId(each), limit, now) for each in turns[:limit]]
        chosen = fair(queues, limit)
        if not chosen:
            return []
        claims: dict[DocumentId, Claim] = {}
        for workspace_id, ids in by_workspace(chosen).items():
            free = {claim.document_id: claim for claim in self._free_claims(workspace_id, ids, now)}
            self._take(workspace_id, list(free), owner, until)
            claims |= free
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
        return self._sources.of(workspace_id, claim)

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

    def postpone(
        self,
        workspace_id: WorkspaceId,
        claim: Claim,
        not_before: datetime,
        attempts: int,
        *,
        background: bool = False,
    ) -> None:
        """Give a held claim back."""
        t, d = INDEXING_TASKS.c, DOCUMENTS.c
        self._connection.execute(
            INDEXING_TASKS.update()
            .where(*is_task(workspace_id, claim.document_id))
            .values(
                owner=None,
                lease_until=None,
                not_before=not_before,
                attempts=attempts,
                background=sa.or_(t.background.is_(True), sa.literal(background)),
            )
        )
        self._connection.execute(
            DOCUMENTS.update()
            .where(*is_claimed(workspace_id, claim), d.status == Status.INDEXING)
            .values(status=Status.QUEUED)
        )

    def finish(self, workspace_id: WorkspaceId, claim: Claim, at: datetime) -> None:
        """Take a held document out, unless it is wanted anew since; it counts for the pace."""
        t = INDEXING_TASKS.c
        finished = (
            INDEXING_TASKS.delete()
            .where(*is_task(workspace_id, claim.document_id), t.anew.is_(claim.anew))
            .returning(t.queued_at)
        )
        queued_at = self._connection.execute(finished).scalar_one_or_none()
        if queued_at is None:
            self.postpone(workspace_id, claim, at, 0, background=True)
            return
        pace = self.pace(workspace_id).after(queued_at, at)
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
            .order_by(t.background, t.queued_at, t.document_id)
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
                t.anew,
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
                row.anew,
            )
            for row in self._connection.execute(query)
        ]

    def _take(
        self, workspace_id: WorkspaceId, ids: Collection[DocumentId], owner: IndexerId, until: datetime
    ) -> None:
        t, d = INDEXING_TASKS.c, DOCUMENTS.c
        self._connection.execute(
            INDEXING_TASKS.update()
            .where(t.workspace_id == workspace_id, t.document_id.in_(ids))
            .values(owner=owner, lease_until=until, lapses=t.lapses + lapsed())
        )
        # Of one that is worked on in the background the present content is in the index, or has failed.
        begun = sa.case((d.status == Status.QUEUED, Status.INDEXING), else_=d.status)
        self._connection.execute(
            DOCUMENTS.update()
            .where(d.workspace_id == workspace_id, d.id.in_(ids))
            .values(status=begun, fence=d.fence + 1)
        )
