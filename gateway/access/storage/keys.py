"""Keys in the database."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from gateway.access.domain.key import Key
from gateway.access.domain.key_format import Environment
from gateway.access.domain.workspace import Workspace, is_name
from gateway.access.storage.schema import keys
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.runtime.database import Database, UtcDateTime


class StoredKeys:
    """Implements `Keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, public_id: str) -> Key | None:
        """Return the key of that public id; raise Unavailable where the database does not answer."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(keys).where(keys.c.public_id == public_id)).first()
        return None if row is None else _key(row)

    def add(self, key: Key) -> None:
        """Keep a new key."""
        with self._database.write() as connection:
            connection.execute(
                sa.insert(keys).values(
                    id=key.id,
                    public_id=key.public_id,
                    secret_hash=key.secret_hash,
                    workspace_id=key.workspace_id,
                    environment=key.environment.value,
                    name=key.name,
                    scopes=list(key.scopes),
                    created_at=key.created_at,
                    expires_at=key.expires_at,
                    revoked_at=key.revoked_at,
                    last_used_at=key.last_used_at,
                )
            )

    def revoke(self, key_id: str, now: datetime) -> Key | None:
        """Return the key, revoked; None where there is none of that id."""
        # The characters of ids are among those of names; others (NUL) upset PostgreSQL.
        if not is_name(key_id):
            return None
        this = keys.c.id == key_id
        with self._database.write() as connection:
            connection.execute(
                sa.update(keys).where(this, keys.c.revoked_at.is_(None)).values(revoked_at=now)
            )
            row = connection.execute(sa.select(keys).where(this)).first()
        return None if row is None else _key(row)

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
    )
