"""Workspaces in the database."""

from collections.abc import Callable

import sqlalchemy as sa

from gateway.access.domain.audit import AuditEntry
from gateway.access.domain.errors import WorkspaceNameTaken, WorkspaceNotFound
from gateway.access.domain.keys.key_format import Environment
from gateway.access.domain.ports import WorkspaceChange
from gateway.access.domain.workspaces.workspace import Workspace, is_name
from gateway.access.storage import audit
from gateway.access.storage.schema import workspaces
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.runtime.database import Database, UtcDateTime

_twins = workspaces.alias("twins")
_PAIRS = sa.select(workspaces, _twins.c.id.label("test_id")).join(_twins, _twins.c.live_id == workspaces.c.id)


class StoredWorkspaces:
    """Implements `Workspaces`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, workspace: Workspace, entry: AuditEntry) -> None:
        """Keep a new workspace and its twin; raise WorkspaceNameTaken where another has the name."""
        rows = [
            _row(workspace, workspace.id, Environment.LIVE, None),
            _row(workspace, workspace.test_id, Environment.TEST, workspace.id),
        ]
        with self._database.write() as connection:
            live, twin = rows
            added = connection.execute(
                self._database.insert(workspaces)
                .values(live)
                .on_conflict_do_nothing(index_elements=["name", "environment"])
                .returning(workspaces.c.id)
            )
            if added.first() is None:
                raise WorkspaceNameTaken(workspace.name)
            connection.execute(sa.insert(workspaces).values(twin))
            audit.append(connection, [entry])

    def find(self, name_or_id: str) -> Workspace | None:
        """Return the workspace of that id, else the one of that name; None where there is none."""
        if not is_name(name_or_id):
            return None
        with self._database.read() as connection:
            row = connection.execute(_named(name_or_id)).first()
        return None if row is None else _workspace(row)

    def change(self, name_or_id: str, rule: Callable[[Workspace], WorkspaceChange]) -> Workspace:
        """Keep what `rule` makes of a workspace, and its entry, in one transaction; return it."""
        if not is_name(name_or_id):
            raise WorkspaceNotFound
        with self._database.write() as connection:
            row = connection.execute(_named(name_or_id).with_for_update(of=workspaces)).first()
            if row is None:
                raise WorkspaceNotFound
            after, entry = rule(_workspace(row))
            if entry is not None:
                connection.execute(
                    sa.update(workspaces)
                    .where(sa.or_(workspaces.c.id == after.id, workspaces.c.live_id == after.id))
                    .values(plan=after.plan, limits=dict(after.limits), deleted_at=after.deleted_at)
                )
                audit.append(connection, [entry])
        return after

    def page(self, size: int, after: Place | None) -> list[Workspace]:
        """Return at most `size` workspaces after a place, oldest first."""
        query = _PAIRS.order_by(workspaces.c.created_at, workspaces.c.id).limit(size)
        if after is not None:
            place = sa.tuple_(sa.literal(after.created_at, UtcDateTime), sa.literal(after.id))
            query = query.where(sa.tuple_(workspaces.c.created_at, workspaces.c.id) > place)
        with self._database.read() as connection:
            return [_workspace(row) for row in connection.execute(query)]


def _named(name_or_id: str) -> sa.Select[tuple[object, ...]]:
    fits = sa.or_(workspaces.c.id == name_or_id, workspaces.c.name == name_or_id)
    id_first = sa.case((workspaces.c.id == name_or_id, 0), else_=1)
    return _PAIRS.where(fits).order_by(id_first).limit(1)


def _row(
    workspace: Workspace, row_id: WorkspaceId, environment: Environment, live_id: WorkspaceId | None
) -> dict[str, object]:
    return {
        "id": row_id,
        "live_id": live_id,
        "environment": environment.value,
        "name": workspace.name,
        "plan": workspace.plan,
        "created_at": workspace.created_at,
        "limits": dict(workspace.limits),
        "deleted_at": workspace.deleted_at,
    }


def _workspace(row: sa.Row[tuple[object, ...]]) -> Workspace:
    return Workspace(
        id=WorkspaceId(row.id),
        test_id=WorkspaceId(row.test_id),
        name=row.name,
        plan=row.plan,
        created_at=row.created_at,
        limits=row.limits,
        deleted_at=row.deleted_at,
    )
