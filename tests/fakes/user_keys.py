"""Signing keys in memory."""

from collections.abc import Callable
from dataclasses import replace

from gateway.access.domain.audit import AuditEntry
from gateway.access.domain.user_tokens.errors import UserKeyNotFound
from gateway.access.domain.user_tokens.ports import UserKeyChange
from gateway.access.domain.user_tokens.user_key import UserKey
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from tests.fakes.access import FakeAudit


class FakeUserKeys:
    """Implements `UserKeys`; can be taken down."""

    def __init__(self, audit: FakeAudit) -> None:
        self._audit = audit
        self._keys: dict[str, UserKey] = {}
        self.down = False

    def active(self, workspace_id: WorkspaceId) -> list[UserKey]:
        """Return the keys of a workspace that are in force, with their secrets."""
        if self.down:
            raise Unavailable("The database does not answer.")
        found = [
            key for key in self._keys.values() if key.workspace_id == workspace_id and key.disabled_at is None
        ]
        return sorted(found, key=lambda key: (key.created_at, key.kid))

    def add(self, key: UserKey, entry: AuditEntry) -> None:
        """Keep a new key."""
        self._keys[key.kid] = key
        self._audit.append([entry])

    def change(self, kid: str, rule: Callable[[UserKey], UserKeyChange]) -> UserKey:
        """Keep what `rule` makes of a key."""
        before = self._keys.get(kid)
        if before is None:
            raise UserKeyNotFound
        after, entry = rule(replace(before, secret=""))
        if entry is not None:
            self._keys[kid] = replace(before, disabled_at=after.disabled_at)
            self._audit.append([entry])
        return after

    def page(self, workspace: Workspace, size: int, after: Place | None) -> list[UserKey]:
        """Return at most `size` keys of a workspace and its twin, newest first."""
        found = [
            replace(key, secret="")
            for key in self._keys.values()
            if key.workspace_id in (workspace.id, workspace.test_id)
            and (after is None or (key.created_at, key.kid) < (after.created_at, after.id))
        ]
        return sorted(found, key=lambda key: (key.created_at, key.kid), reverse=True)[:size]
