"""Answers that are known to be right or wrong, in a database."""

import sqlalchemy as sa

from services.kernel.clock import Clock, SystemClock
from services.kernel.ids import WorkspaceId
from services.query.domain.confidence.calibrations import Label
from services.query.storage import schema
from services.runtime.database import Database

NEWEST = 20_000
_table = schema.labelled_scores


class StoredLabelledScores:
    """`LabelledScores` in a database."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    def put(self, workspace_id: WorkspaceId, label: Label) -> None:
        """Keep a label; a later one of the same message replaces it."""
        said = {
            "model": label.model,
            "score": label.score,
            "right": label.right,
            "labelled_at": self._clock.now(),
        }
        insert = self._database.insert(_table).values(
            workspace_id=workspace_id, message_id=label.message_id, **said
        )
        with self._database.write() as connection:
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=[_table.c.workspace_id, _table.c.message_id], set_=said
                )
            )

    def of(self, workspace_id: WorkspaceId, model: str) -> list[tuple[float, bool]]:
        """Return score and rightness of the workspace's answers that this model scored."""
        # Ids of messages sort by age.
        newest = (
            sa.select(_table.c.score, _table.c.right)
            .where(_table.c.workspace_id == workspace_id, _table.c.model == model)
            .order_by(_table.c.message_id.desc())
            .limit(NEWEST)
        )
        with self._database.read() as connection:
            rows = connection.execute(newest).all()
        return [(row.score, row.right) for row in reversed(rows)]
