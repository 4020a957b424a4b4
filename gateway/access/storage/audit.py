"""The audit in the database."""

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.workspaces.workspace import Workspace
from gateway.access.storage.schema import audit
from services.kernel.pages import Place
from services.runtime.database import Database, UtcDateTime


def append(connection: sa.Connection, entries: Sequence[AuditEntry]) -> None:
    """Keep entries within the caller's transaction, so that a change and its entry commit together."""
    if entries:
        connection.execute(sa.insert(audit), [_row(entry) for entry in entries])


class StoredAudit:
    """Implements `Audit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Keep entries; raise Unavailable where the database does not answer."""
        if not entries:
            return
        with self._database.write() as connection:
            append(connection, entries)

    def page(
        self, workspace: Workspace | None, event: Event | None, size: int, after: Place | None
    ) -> list[AuditEntry]:
        """Return at most `size` entries after a place, newest first."""
        query = sa.select(audit).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(size)
        if workspace is not None:
            query = query.where(audit.c.workspace_id.in_([workspace.id, workspace.test_id]))
        if event is not None:
            query = query.where(audit.c.event == event.value)
        if after is not None:
            place = sa.tuple_(sa.literal(after.created_at, UtcDateTime), sa.literal(after.id))
            query = query.where(sa.tuple_(audit.c.at, audit.c.id) < place)
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(query)]


def _row(entry: AuditEntry) -> dict[str, object]:
    return {**vars(entry), "event": entry.event.value, "details": dict(entry.details)}


def _entry(row: sa.Row[tuple[object, ...]]) -> AuditEntry:
    fields = dict(row._mapping)
    return AuditEntry(**{**fields, "event": Event(row.event)})
