"""The row of a workspace that hands out revisions."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.errors import ModelMismatch
from services.knowledge.domain.ports.bases import Base
from services.knowledge.storage.tables import GENERATIONS, KNOWLEDGE_BASES

Insert = Callable[[sa.Table], postgresql.Insert | sqlite.Insert]


class SqlBases:
    """Knowledge bases in one transaction."""

    def __init__(self, connection: sa.Connection, insert: Insert) -> None:
        self._connection = connection
        self._insert = insert
        self._revisions: dict[WorkspaceId, int] = {}

    def lock(self, workspace_id: WorkspaceId) -> Base:
        """Keep other writers of the workspace waiting until the end of the transaction."""
        t = KNOWLEDGE_BASES
        query = sa.select(t.c.workspace_id).where(t.c.workspace_id == workspace_id).with_for_update()
        if self._connection.execute(query).one_or_none() is None:
            fresh = self._insert(t).values(
                workspace_id=workspace_id, generation=1, revision=0, pruned_revision=0
            )
            self._connection.execute(fresh.on_conflict_do_nothing())
            self._connection.execute(query)
        return self.get(workspace_id)

    def get(self, workspace_id: WorkspaceId) -> Base:
        """Return the state, also of a workspace that has never written."""
        t, g = KNOWLEDGE_BASES, GENERATIONS
        joined = t.outerjoin(
            g, sa.and_(g.c.workspace_id == t.c.workspace_id, g.c.generation == t.c.generation)
        )
        query = (
            sa.select(t.c.generation, t.c.revision, g.c.embedding_model, g.c.dimensions)
            .select_from(joined)
            .where(t.c.workspace_id == workspace_id)
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return Base()
        return Base(row.generation, row.revision, row.embedding_model or "", row.dimensions or 0)

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

    def use_model(self, workspace_id: WorkspaceId, model: str, dimensions: int) -> None:
        """Say which model the vectors of the present generation are of; raise ModelMismatch for another."""
        base = self.get(workspace_id)
        if base.embedding_model:
            if (base.embedding_model, base.dimensions) != (model, dimensions):
                raise ModelMismatch(f"The index has vectors of {base.embedding_model}, not of {model}.")
            return
        self._connection.execute(
            GENERATIONS.insert().values(
                workspace_id=workspace_id,
                generation=base.generation,
                embedding_model=model,
                dimensions=dimensions,
            )
        )
