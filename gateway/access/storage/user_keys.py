"""Signing keys in the database, their secrets sealed."""

from collections.abc import Callable

import sqlalchemy as sa
import structlog

from gateway.access.domain.audit import AuditEntry
from gateway.access.domain.keys.key_format import Environment
from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.errors import UserKeyNotFound
from gateway.access.domain.user_tokens.ports import UserKeyChange
from gateway.access.domain.user_tokens.user_key import UserKey
from gateway.access.domain.workspaces.workspace import Workspace, is_name
from gateway.access.storage import audit
from gateway.access.storage.schema import user_keys
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.runtime.database import Database, UtcDateTime
from services.runtime.seal import Seal, Unreadable

_log = structlog.get_logger(__name__)


class StoredUserKeys:
    """
    Implements `UserKeys`.

    A secret is sealed for its workspace and its kid: in another row it does not open. One that none of the
    installation's keys opens verifies nothing, and the log says so each time.
    """

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    def active(self, workspace_id: WorkspaceId) -> list[UserKey]:
        """Return the keys of a workspace that are in force, with their secrets."""
        query = (
            sa.select(user_keys)
            .where(user_keys.c.workspace_id == workspace_id, user_keys.c.disabled_at.is_(None))
            .order_by(user_keys.c.created_at, user_keys.c.kid)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        found = []
        for row in rows:
            try:
                secret = self._seal.opened(workspace_id, _place(row.kid), row.secret) if row.secret else ""
            except Unreadable:
                _log.error("secret_unreadable", workspace_id=workspace_id, kid=row.kid)
                continue
            found.append(_key(row, secret))
        return found

    def add(self, key: UserKey, entry: AuditEntry) -> None:
        """Keep a new key, and the entry of it."""
        secret = self._seal.closed(key.workspace_id, _place(key.kid), key.secret) if key.secret else ""
        with self._database.write() as connection:
            connection.execute(
                sa.insert(user_keys).values(
                    kid=key.kid,
                    workspace_id=key.workspace_id,
                    environment=key.environment.value,
                    algorithm=key.algorithm.value,
                    issuer=key.issuer,
                    secret=secret,
                    public_key=key.public_key,
                    jwks_url=key.jwks_url,
                    created_at=key.created_at,
                    disabled_at=key.disabled_at,
                )
            )
            audit.append(connection, [entry])

    def change(self, kid: str, rule: Callable[[UserKey], UserKeyChange]) -> UserKey:
        """Keep what `rule` makes of a key, and the entry of it, in one transaction."""
        # The characters of kids are among those of names; others (NUL) upset PostgreSQL.
        if not is_name(kid):
            raise UserKeyNotFound
        with self._database.write() as connection:
            this = sa.select(user_keys).where(user_keys.c.kid == kid).with_for_update()
            row = connection.execute(this).first()
            if row is None:
                raise UserKeyNotFound
            key, entry = rule(_key(row))
            if entry is not None:
                connection.execute(
                    sa.update(user_keys)
                    .where(user_keys.c.kid == key.kid, user_keys.c.workspace_id == key.workspace_id)
                    .values(disabled_at=key.disabled_at)
                )
                audit.append(connection, [entry])
        return key

    def page(self, workspace: Workspace, size: int, after: Place | None) -> list[UserKey]:
        """Return at most `size` keys of a workspace and its twin after a place, newest first."""
        query = (
            sa.select(user_keys)
            .where(user_keys.c.workspace_id.in_([workspace.id, workspace.test_id]))
            .order_by(user_keys.c.created_at.desc(), user_keys.c.kid.desc())
            .limit(size)
        )
        if after is not None:
            place = sa.tuple_(sa.literal(after.created_at, UtcDateTime), sa.literal(after.id))
            query = query.where(sa.tuple_(user_keys.c.created_at, user_keys.c.kid) < place)
        with self._database.read() as connection:
            return [_key(row) for row in connection.execute(query)]


def _place(kid: str) -> str:
    return f"user_keys.{kid}"


def _key(row: sa.Row[tuple[object, ...]], secret: str = "") -> UserKey:
    return UserKey(
        kid=row.kid,
        workspace_id=WorkspaceId(row.workspace_id),
        environment=Environment(row.environment),
        algorithm=Algorithm(row.algorithm),
        issuer=row.issuer,
        created_at=row.created_at,
        secret=secret,
        public_key=row.public_key,
        jwks_url=row.jwks_url,
        disabled_at=row.disabled_at,
    )
