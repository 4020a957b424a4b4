"""The row of a workspace that hands out revisions."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.errors import ModelMismatch
from services.knowledge.domain.generation import Generation, NextGeneration
from services.knowledge.domain.operation import OperationId
from services.knowledge.domain.ports.bases import Base
from services.knowledge.storage.tables import GENERATION_TERMS, GENERATIONS, KNOWLEDGE_BASES

Insert = Callable[[sa.Table], postgresql.Insert | sqlite.Insert]


class SqlBases:
    """Knowledge bases in one transaction."""

    def __init__(self, connection: sa.Connection, insert: Insert) -> None:
        self._connection = connection
        self._insert = insert
        self._revisions: dict[WorkspaceId, int] = {}

    def lock(self, workspace_id: WorkspaceId, patience_seconds: float | None = None) -> Base:
        """Keep other writers of the workspace waiting until the end of the transaction."""
        # On SQLite a transaction that writes is alone already.
        if patience_seconds is not None and self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(patience_seconds * 1000)}")
        t = KNOWLEDGE_BASES
        query = sa.select(t.c.workspace_id).where(t.c.workspace_id == workspace_id).with_for_update()
        if self._connection.execute(query).one_or_none() is None:
            fresh = self._insert(t).values(
                workspace_id=workspace_id, generation=1, revision=0, pruned_revision=0
            )
            self._connection.execute(fresh.on_conflict_do_nothing())
            self._connection.execute(query)
            term = self._insert(GENERATION_TERMS).values(
                workspace_id=workspace_id, from_revision=0, generation=1
            )
            self._connection.execute(term.on_conflict_do_nothing())
        return self.get(workspace_id)

    def get(self, workspace_id: WorkspaceId) -> Base:
        """Return the state, also of a workspace that has never written."""
        t = KNOWLEDGE_BASES
        query = sa.select(t).where(t.c.workspace_id == workspace_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return Base()
        generations = self._generations(workspace_id, [row.generation, row.next_generation])
        following = None
        if row.next_generation is not None:
            following = NextGeneration(
                generations[row.next_generation],
                OperationId(row.reindex_operation_id),
                row.next_whole_at,
                row.switch_at,
            )
        return Base(
            generations[row.generation],
            row.revision,
            following,
            row.previous_generation,
            row.past_from_revision,
        )

    def _generations(self, workspace_id: WorkspaceId, numbers: Sequence[int | None]) -> dict[int, Generation]:
        g = GENERATIONS.c
        query = sa.select(g.generation, g.embedding_model, g.dimensions).where(
            g.workspace_id == workspace_id, g.generation.in_([each for each in numbers if each is not None])
        )
        found = {each: Generation(each) for each in numbers if each is not None}
        return found | {row.generation: Generation(*row) for row in self._connection.execute(query)}

    def next_revision(self, workspace_id: WorkspaceId) -> int:
        """Return the revision of this transaction, the same for all its changes. The base must be locked."""
        if workspace_id not in self._revisions:
            t = KNOWLEDGE_BASES
            advance = (
                t.update()
                .where(t.c.workspace_id == workspace_id)
                .values(revision=t.c.revision + 1)
                .returning(t.c.revision)
            )
            self._revisions[workspace_id] = self._connection.execute(advance).scalar_one()
        return self._revisions[workspace_id]

    def add_generation(self, workspace_id: WorkspaceId, model: str, dimensions: int) -> Generation:
        """Return a generation with a number that was never given before."""
        g = GENERATIONS.c
        newest = self._connection.execute(
            sa.select(sa.func.max(g.generation)).where(g.workspace_id == workspace_id)
        ).scalar()
        number = max(newest or 0, self.get(workspace_id).serving.number) + 1
        self.use_model(workspace_id, number, model, dimensions)
        return Generation(number, model, dimensions)

    def follow(
        self, workspace_id: WorkspaceId, following: NextGeneration | None, previous: int | None
    ) -> None:
        """Note which generation is being made, how far it is, and which one a rollback would bring back."""
        self._change(
            workspace_id,
            next_generation=following.generation.number if following else None,
            reindex_operation_id=following.operation_id if following else None,
            next_whole_at=following.whole_at if following else None,
            switch_at=following.switch_at if following else None,
            previous_generation=previous,
        )

    def switch(self, workspace_id: WorkspaceId) -> None:
        """Let the next generation serve from the present revision on; the one before becomes the previous."""
        base = self.get(workspace_id)
        if base.next is None:
            raise LookupError("no generation is being made")
        number = base.next.generation.number
        self._change(workspace_id, generation=number)
        self.follow(workspace_id, None, previous=base.serving.number)
        term = self._insert(GENERATION_TERMS).values(
            workspace_id=workspace_id, from_revision=base.revision, generation=number
        )
        self._connection.execute(
            term.on_conflict_do_update(
                index_elements=["workspace_id", "from_revision"], set_={"generation": number}
            )
        )

    def discard(self, workspace_id: WorkspaceId, generation: int) -> None:
        """Give up a generation: its rows are removed by and by, and the past up to its end is not kept."""
        g, t = GENERATIONS.c, GENERATION_TERMS.c
        self._connection.execute(
            GENERATIONS.update()
            .where(g.workspace_id == workspace_id, g.generation == generation)
            .values(discarded=True)
        )
        mine = (t.workspace_id == workspace_id, t.generation == generation)
        if self._connection.execute(sa.select(t.generation).where(*mine).limit(1)).first() is None:
            return
        since = self._connection.execute(
            sa.select(sa.func.max(t.from_revision)).where(t.workspace_id == workspace_id)
        ).scalar_one()
        if since > self.get(workspace_id).past_from_revision:
            self._change(workspace_id, past_from_revision=since)

    def stored(self, workspace_id: WorkspaceId) -> tuple[int, ...]:
        """Return all generations of which there may be rows: those in use and those on their way out."""
        g, base = GENERATIONS.c, self.get(workspace_id)
        discarded = sa.select(g.generation).where(g.workspace_id == workspace_id, g.discarded.is_(True))
        used = {each.number for each in base.written} | set(self._connection.execute(discarded).scalars())
        if base.previous_generation is not None:
            used.add(base.previous_generation)
        return tuple(sorted(used))

    def reindexing(self) -> list[WorkspaceId]:
        """Return the workspaces in which a generation is being made."""
        b = KNOWLEDGE_BASES.c
        query = sa.select(b.workspace_id).where(b.next_generation.is_not(None)).order_by(b.workspace_id)
        return [WorkspaceId(each) for each in self._connection.execute(query).scalars()]

    def _change(self, workspace_id: WorkspaceId, **values: object) -> None:
        b = KNOWLEDGE_BASES
        self._connection.execute(b.update().where(b.c.workspace_id == workspace_id).values(**values))

    def use_model(self, workspace_id: WorkspaceId, generation: int, model: str, dimensions: int) -> None:
        """Say which model the vectors of a generation are of; raise ModelMismatch for another."""
        present = self._generations(workspace_id, [generation])[generation]
        if present.embedding_model:
            if present != Generation(generation, model, dimensions):
                raise ModelMismatch(f"The index has vectors of {present.embedding_model}, not of {model}.")
            return
        self._connection.execute(
            GENERATIONS.insert().values(
                workspace_id=workspace_id,
                generation=generation,
                embedding_model=model,
                dimensions=dimensions,
            )
        )
