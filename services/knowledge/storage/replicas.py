"""Search replicas: their leases and what they have."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import Position, Replica, ReplicaId, ReplicaState
from services.knowledge.domain.document import Status
from services.knowledge.domain.operation import ItemState
from services.knowledge.storage.bases import Insert
from services.knowledge.storage.tables import (
    DOCUMENT_TOMBSTONES,
    DOCUMENTS,
    KNOWLEDGE_BASES,
    OPERATION_ITEMS,
    REPLICA_POSITIONS,
    REPLICAS,
)

# A replica that was not heard of for so long is not coming back.
_FORGOTTEN = timedelta(days=7)


class SqlReplicas:
    """Replicas in one transaction."""

    def __init__(self, connection: sa.Connection, insert: Insert) -> None:
        self._connection = connection
        self._insert = insert

    def renew(self, replica: Replica, now: datetime, until: datetime) -> None:
        """Prolong a replica's lease and take its acknowledgements."""
        self._forget(now)
        lease = {"address": replica.address, "lease_until": until}
        self._connection.execute(
            self._insert(REPLICAS)
            .values(id=replica.id, **lease)
            .on_conflict_do_update(index_elements=["id"], set_=lease)
        )
        p = REPLICA_POSITIONS.c
        if replica.reset:
            self._connection.execute(REPLICA_POSITIONS.delete().where(p.replica_id == replica.id))
        # Sorted, so that two calls of one replica lock in one order; the last one counts.
        newest = {(each.workspace_id, each.generation): each.revision for each in replica.acknowledged}
        rows = [
            {"workspace_id": workspace_id, "replica_id": replica.id, "generation": generation, "revision": at}
            for (workspace_id, generation), at in sorted(newest.items())
        ]
        if rows:
            acknowledge = self._insert(REPLICA_POSITIONS)
            self._connection.execute(
                acknowledge.on_conflict_do_update(
                    index_elements=["workspace_id", "replica_id", "generation"],
                    set_={"revision": acknowledge.excluded["revision"]},
                ),
                rows,
            )

    def behind(self, replica_id: ReplicaId, limit: int) -> list[Position]:
        """Return the newest positions that a replica has not acknowledged."""
        b, p = KNOWLEDGE_BASES.c, REPLICA_POSITIONS.c
        query = (
            sa.select(b.workspace_id, b.generation, b.revision)
            .select_from(KNOWLEDGE_BASES.outerjoin(REPLICA_POSITIONS, self._position(replica_id)))
            .where(b.revision > sa.func.coalesce(p.revision, 0))
            .limit(limit)
        )
        return [
            Position(WorkspaceId(row.workspace_id), row.generation, row.revision)
            for row in self._connection.execute(query)
        ]

    def confirmable(self, now: datetime) -> list[WorkspaceId]:
        """Return the workspaces in which something waits that every live replica has."""
        d, i = DOCUMENTS.c, OPERATION_ITEMS.c
        waiting = sa.union_all(
            sa.select(d.workspace_id, sa.func.min(d.content_revision).label("oldest"))
            .where(d.status == Status.PUBLISHING)
            .group_by(d.workspace_id),
            sa.select(i.workspace_id, sa.func.min(i.revision).label("oldest"))
            .where(i.state == ItemState.PENDING, i.revision > 0)
            .group_by(i.workspace_id),
        ).subquery()
        query = sa.select(waiting.c.workspace_id, sa.func.min(waiting.c.oldest)).group_by(
            waiting.c.workspace_id
        )
        found = []
        for name, oldest in self._connection.execute(query):
            floor = self.floor(WorkspaceId(name), now)
            if floor is not None and floor >= oldest:
                found.append(WorkspaceId(name))
        return found

    def floor(self, workspace_id: WorkspaceId, now: datetime) -> int | None:
        """Return the revision that every live replica has; None while there is none."""
        revisions = [revision for _, revision in self._live(workspace_id, now)]
        return min(revisions, default=None)

    def states(self, workspace_id: WorkspaceId, now: datetime) -> list[ReplicaState]:
        """Return the live replicas."""
        return [
            ReplicaState(address, revision, self._lag(workspace_id, revision, now))
            for address, revision in self._live(workspace_id, now)
        ]

    def _live(self, workspace_id: WorkspaceId, now: datetime) -> list[tuple[str, int]]:
        b, p, r = KNOWLEDGE_BASES.c, REPLICA_POSITIONS.c, REPLICAS.c
        generation = sa.select(b.generation).where(b.workspace_id == workspace_id).scalar_subquery()
        has = sa.and_(p.replica_id == r.id, p.workspace_id == workspace_id, p.generation == generation)
        query = (
            sa.select(r.address, sa.func.coalesce(p.revision, 0))
            .select_from(REPLICAS.outerjoin(REPLICA_POSITIONS, has))
            .where(r.lease_until > now)
            .order_by(r.address)
        )
        return [(address, revision) for address, revision in self._connection.execute(query)]

    def _lag(self, workspace_id: WorkspaceId, revision: int, now: datetime) -> float:
        """How old the oldest change is that is not there yet."""
        d, t = DOCUMENTS.c, DOCUMENT_TOMBSTONES.c
        missing = (
            sa.select(sa.func.min(d.revised_at)).where(d.workspace_id == workspace_id, d.revision > revision),
            sa.select(sa.func.min(t.deleted_at)).where(t.workspace_id == workspace_id, t.revision > revision),
        )
        instants = [self._connection.execute(query).scalar() for query in missing]
        return max(
            ((now - instant).total_seconds() for instant in instants if instant is not None), default=0.0
        )

    def _position(self, replica_id: ReplicaId) -> sa.ColumnElement[bool]:
        b, p = KNOWLEDGE_BASES.c, REPLICA_POSITIONS.c
        return sa.and_(
            p.workspace_id == b.workspace_id,
            p.generation == b.generation,
            p.replica_id == replica_id,
        )

    def _forget(self, now: datetime) -> None:
        r, p = REPLICAS.c, REPLICA_POSITIONS.c
        lost = sa.select(r.id).where(r.lease_until < now - _FORGOTTEN)
        self._connection.execute(REPLICA_POSITIONS.delete().where(p.replica_id.in_(lost)))
        self._connection.execute(REPLICAS.delete().where(r.lease_until < now - _FORGOTTEN))
