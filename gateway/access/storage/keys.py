"""Keys in the database."""

from collections.abc import Callable, Mapping
from datetime import datetime

import sqlalchemy as sa

from gateway.access.domain.audit import AuditEntry
from gateway.access.domain.errors import KeyNotFound
from gateway.access.domain.keys.key import Key, OwnedKey
from gateway.access.domain.keys.key_format import Environment, KeyKind
from gateway.access.domain.ports import AnyKeyChange
from gateway.access.domain.workspaces.workspace import Workspace, is_name
from gateway.access.storage import audit
from gateway.access.storage.schema import keys, workspaces
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.runtime.database import Database, UtcDateTime

# A key's own workspace is a live one or a twin.
_own, _live, _twin = (workspaces.alias(name) for name in ("own", "live", "twin"))
_OWNED = (
    sa.select(keys, *(column.label(f"live_{column.name}") for column in _live.c), _twin.c.id.label("twin_id"))
    .join(_own, _own.c.id == keys.c.workspace_id)
    .join(_live, _live.c.id == sa.func.coalesce(_own.c.live_id, _own.c.id))
    .join(_twin, _twin.c.live_id == _live.c.id)
)


class StoredKeys:
    """Implements `Keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, public_id: str) -> OwnedKey | None:
        """Return the key of that public id; raise Unavailable where the database does not answer."""
        with self._database.read() as connection:
            row = connection.execute(_OWNED.where(keys.c.public_id == public_id)).first()
        return None if row is None else _owned(row)

    def add(self, key: Key, entry: AuditEntry) -> None:
        """Keep a new key, and the entry of it."""
        with self._database.write() as connection:
            connection.execute(sa.insert(keys).values(_row(key)))
            audit.append(connection, [entry])

    def change(self, key_id: str, rule: Callable[[OwnedKey], AnyKeyChange]) -> AnyKeyChange:
        """Keep what `rule` makes of a key, a successor, and the entry of it, in one transaction."""
        # The characters of ids are among those of names; others (NUL) upset PostgreSQL.
        if not is_name(key_id):
            raise KeyNotFound
        with self._database.write() as connection:
            query = _OWNED.where(keys.c.id == key_id).with_for_update(of=keys)
            row = connection.execute(query).first()
            if row is None:
                raise KeyNotFound
            change = rule(_owned(row))
            if change.entry is not None:
                key = change.key
                connection.execute(
                    sa.update(keys)
                    .where(keys.c.id == key.id, keys.c.workspace_id == key.workspace_id)
                    .values(expires_at=key.expires_at, revoked_at=key.revoked_at, rotated_to=key.rotated_to)
                )
                if change.successor is not None:
                    connection.execute(sa.insert(keys).values(_row(change.successor)))
                audit.append(connection, [change.entry])
        return change

    def page(self, workspace: Workspace, size: int, after: Place | None) -> list[Key]:
        """Return at most `size` keys of a workspace and its twin after a place, newest first."""
        query = (
            sa.select(keys)
            .where(keys.c.workspace_id.in_([workspace.id, workspace.test_id]))
            .order_by(keys.c.created_at.desc(), keys.c.id.desc())
            .limit(size)
        )
        if after is not None:
            place = sa.tuple_(sa.literal(after.created_at, UtcDateTime), sa.literal(after.id))
            query = query.where(sa.tuple_(keys.c.created_at, keys.c.id) < place)
        with self._database.read() as connection:
            return [_key(row) for row in connection.execute(query)]

    def touch(self, uses: Mapping[str, datetime]) -> None:
        """Note when keys were last used, by id; earlier instants than the noted ones change nothing."""
        if not uses:
            return
        at = sa.bindparam("at", type_=UtcDateTime)
        statement = (
            sa.update(keys)
            .where(
                keys.c.id == sa.bindparam("key"),
                sa.or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < at),
            )
            .values(last_used_at=at)
        )
        # One order for all processes, so that they never wait for each other in a ring.
        rows = [{"key": key_id, "at": when} for key_id, when in sorted(uses.items())]
        with self._database.write() as connection:
            connection.execute(statement, rows)


def _row(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "public_id": key.public_id,
        "secret_hash": key.secret_hash,
        "workspace_id": key.workspace_id,
        "environment": key.environment.value,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "kind": key.kind.value,
        "origins": list(key.origins),
        "requests_per_minute": key.requests_per_minute,
        "rotated_to": key.rotated_to,
    }


def _key(row: sa.Row[tuple[object, ...]]) -> Key:
    return Key(
        id=row.id,
        public_id=row.public_id,
        secret_hash=row.secret_hash,
        workspace_id=WorkspaceId(row.workspace_id),
        environment=Environment(row.environment),
        name=row.name,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        kind=KeyKind(row.kind),
        origins=tuple(row.origins),
        requests_per_minute=row.requests_per_minute,
        rotated_to=row.rotated_to,
    )


def _owned(row: sa.Row[tuple[object, ...]]) -> OwnedKey:
    workspace = Workspace(
        id=WorkspaceId(row.live_id),
        test_id=WorkspaceId(row.twin_id),
        name=row.live_name,
        plan=row.live_plan,
        created_at=row.live_created_at,
        limits=row.live_limits,
        deleted_at=row.live_deleted_at,
    )
    return OwnedKey(_key(row), workspace)
