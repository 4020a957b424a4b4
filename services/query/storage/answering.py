"""The settings of workspaces in a database."""

from collections.abc import Mapping

import sqlalchemy as sa
import structlog

from services.kernel.clock import Clock, SystemClock
from services.kernel.ids import WorkspaceId
from services.query.domain.settings.answering import Answering, Change
from services.query.storage import schema
from services.query.storage.answering_codec import decode, encode
from services.runtime.database import Database
from services.runtime.seal import Seal, Unreadable

_log = structlog.get_logger(__name__)
_table = schema.answering_settings


class StoredAnswering:
    """
    `AnsweringStore` in a database, the secrets sealed.

    A secret that none of the installation's keys opens counts as not set, and the log says so each time: the
    workspace is then answered without its model. Changing the workspace's settings drops it for good.
    """

    def __init__(self, database: Database, seal: Seal, clock: Clock | None = None) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock or SystemClock()

    def get(self, workspace_id: WorkspaceId) -> Answering:
        """Return a workspace's settings, the defaults where none were set."""
        with self._database.read() as connection:
            row = connection.execute(_row(workspace_id)).one_or_none()
        return Answering() if row is None else self._decoded(workspace_id, row)

    def change(self, workspace_id: WorkspaceId, change: Change) -> Answering:
        """Change a workspace's settings and return them."""
        key, now = {"workspace_id": workspace_id}, self._clock.now()
        with self._database.write() as connection:
            # There has to be a row to lock. A change that is refused takes it back.
            first = self._database.insert(_table).values(settings={}, secrets={}, updated_at=now, **key)
            connection.execute(first.on_conflict_do_nothing())
            row = connection.execute(_row(workspace_id).with_for_update()).one()
            changed = change.applied_to(self._decoded(workspace_id, row))
            encoded = encode(changed)
            connection.execute(
                sa.update(_table)
                .where(_table.c.workspace_id == workspace_id)
                .values(
                    settings=encoded.settings,
                    secrets={
                        name: self._seal.closed(workspace_id, name, secret)
                        for name, secret in encoded.secrets.items()
                    },
                    updated_at=now,
                )
            )
        return changed

    def _decoded(self, workspace_id: WorkspaceId, row: sa.Row[tuple[object, ...]]) -> Answering:
        return decode(row.settings, self._opened(workspace_id, row.secrets))

    def _opened(self, workspace_id: WorkspaceId, sealed: Mapping[str, str]) -> dict[str, str]:
        secrets = {}
        for name, text in sealed.items():
            try:
                secrets[name] = self._seal.opened(workspace_id, name, text)
            except Unreadable:
                _log.error("secret_unreadable", workspace_id=workspace_id, secret=name)
        return secrets


def _row(workspace_id: WorkspaceId) -> sa.Select[tuple[object, ...]]:
    return sa.select(_table.c.settings, _table.c.secrets).where(_table.c.workspace_id == workspace_id)
