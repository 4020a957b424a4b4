"""Search replicas: their leases and what they have."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import (
    Head,
    LiveReplica,
    Replica,
    ReplicaId,
    ReplicaState,
    Switch,
)
from services.knowledge.storage.bases import Insert
from services.knowledge.storage.tables import (
    DOCUMENT_TOMBSTONES,
    DOCUMENTS,
    KNOWLEDGE_BASES,
    REPLICA_POSITIONS,
    REPLICAS,
)
from services.knowledge.storage.waiting import oldest_waiting, workspaces_waiting

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
        newest = {(each.workspace_id, each.generation): each for each in replica.acknowledged}
        rows = [
            {
                "workspace_id": workspace_id,
                "replica_id": replica.id,
                "generation": generation,
                "revision": at.revision,
                "erased_revision": at.erased_revision,
            }
            for (workspace_id, generation), at in sorted(newest.items(), key=lambda item: item[0])
        ]
        if rows:
            acknowledge = self._insert(REPLICA_POSITIONS)
            said = {name: acknowledge.excluded[name] for name in ("revision", "erased_revision")}
            self._connection.execute(
                acknowledge.on_conflict_do_update(
                    index_elements=["workspace_id", "replica_id", "generation"], set_=said
                ),
                rows,
            )

    def behind(self, replica_id: ReplicaId, limit: int) -> list[Head]:
        """Return the heads that a replica has not acknowledged."""
        b, p = KNOWLEDGE_BASES.c, REPLICA_POSITIONS.c
        heads = sa.union_all(
            sa.select(b.workspace_id, b.generation, b.revision, sa.literal(False).label("next")),
            sa.select(b.workspace_id, b.next_generation, b.revision, sa.true()).where(
                b.next_generation.is_not(None)
            ),
        ).subquery("heads")
        h = heads.c
        its = sa.and_(
            p.workspace_id == h.workspace_id, p.generation == h.generation, p.replica_id == replica_id
        )
        query = (
            sa.select(h.workspace_id, h.generation, h.revision, h.next)
            .select_from(heads.outerjoin(REPLICA_POSITIONS, its))
            .where(h.revision > sa.func.coalesce(p.revision, 0))
            .limit(limit)
        )
        return [
            Head(WorkspaceId(row.workspace_id), row.generation, row.revision, bool(row.next))
            for row in self._connection.execute(query)
        ]

    def following(self) -> tuple[list[Head], list[Switch]]:
        """Return the generations that are being made, and when which of them serve."""
        b = KNOWLEDGE_BASES.c
        query = (
            sa.select(b.workspace_id, b.next_generation, b.revision, b.switch_at)
            .where(b.next_generation.is_not(None))
            .order_by(b.workspace_id)
        )
        rows = self._connection.execute(query).all()
        heads = [Head(WorkspaceId(r.workspace_id), r.next_generation, r.revision, next=True) for r in rows]
        switches = [
            Switch(WorkspaceId(r.workspace_id), r.next_generation, r.switch_at)
            for r in rows
            if r.switch_at is not None
        ]
        return heads, switches

    def confirmable(self, now: datetime, of: Collection[WorkspaceId] | None = None) -> list[WorkspaceId]:
        """Return those of the workspaces, or of all, in which something waits that every live replica has."""
        if of is None:
            of = [WorkspaceId(each) for each in self._connection.execute(workspaces_waiting()).scalars()]
        found = []
        for workspace_id in of:
            oldest = self._connection.execute(oldest_waiting(workspace_id)).scalar()
            if oldest is None:
                continue
            floor = self.floor(workspace_id, now)
            if floor is not None and floor >= oldest:
                found.append(workspace_id)
        return found

    def hold_still(self) -> None:
        """Let no replica prolong its lease until the end of the transaction."""
        # On SQLite a transaction that writes is alone anyway.
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(sa.text("LOCK TABLE replicas IN EXCLUSIVE MODE"))

    def live(self, workspace_id: WorkspaceId, now: datetime) -> list[LiveReplica]:
        """Return what each live replica has of a workspace."""
        b, p, r = KNOWLEDGE_BASES.c, REPLICA_POSITIONS.c, REPLICAS.c
        base = self._connection.execute(
            sa.select(b.generation, b.next_generation, b.switch_at).where(b.workspace_id == workspace_id)
        ).one_or_none()
        if base is None:
            return []
        query = (
            sa.select(r.id, r.address, p.generation, p.revision, p.erased_revision)
            .select_from(
                REPLICAS.outerjoin(
                    REPLICA_POSITIONS, sa.and_(p.replica_id == r.id, p.workspace_id == workspace_id)
                )
            )
            .where(r.lease_until > now)
            .order_by(r.address, r.id)
        )
        found: dict[str, LiveReplica] = {}
        for row in self._connection.execute(query):
            replica = found.get(row.id) or LiveReplica(row.address, base.switch_at is not None)
            if row.generation is not None:
                # What it says with one position is true of all its files, and the last word says most.
                replica = replace(replica, erased=max(replica.erased, row.erased_revision))
            if row.generation == base.generation:
                replica = replace(replica, serving=row.revision)
            elif row.generation is not None and row.generation == base.next_generation:
                replica = replace(replica, following=row.revision)
            found[row.id] = replica
        return list(found.values())

    def floor(self, workspace_id: WorkspaceId, now: datetime) -> int | None:
        """Return the revision below which no live replica serves; None while there is none."""
        return min((each.floor for each in self.live(workspace_id, now)), default=None)

    def erased_floor(self, workspace_id: WorkspaceId, now: datetime) -> int | None:
        """Return up to where no live replica's file has what was deleted; None while there is no replica."""
        return min((each.erased for each in self.live(workspace_id, now)), default=None)

    def states(self, workspace_id: WorkspaceId, now: datetime) -> list[ReplicaState]:
        """Return the live replicas."""
        return [
            ReplicaState(each.address, each.serving, self._lag(workspace_id, each.serving, now))
            for each in self.live(workspace_id, now)
        ]

    def forget(self, workspace_id: WorkspaceId, generation: int) -> None:
        """Forget what replicas have of a generation: none is to count on their files of it."""
        p = REPLICA_POSITIONS.c
        self._connection.execute(
            REPLICA_POSITIONS.delete().where(p.workspace_id == workspace_id, p.generation == generation)
        )

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

    def _forget(self, now: datetime) -> None:
        r, p = REPLICAS.c, REPLICA_POSITIONS.c
        lost = sa.select(r.id).where(r.lease_until < now - _FORGOTTEN)
        self._connection.execute(REPLICA_POSITIONS.delete().where(p.replica_id.in_(lost)))
        self._connection.execute(REPLICAS.delete().where(r.lease_until < now - _FORGOTTEN))
