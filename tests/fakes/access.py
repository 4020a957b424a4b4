"""Access's stores in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.errors import KeyNotFound, WorkspaceNameTaken, WorkspaceNotFound
from gateway.access.domain.keys.key import Key, OwnedKey
from gateway.access.domain.ports import AnyKeyChange, WorkspaceChange
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.errors import Unavailable
from services.kernel.pages import Place


class FakeAudit:
    """Implements `Audit`; can be taken down."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.down = False

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Keep entries."""
        if self.down:
            raise Unavailable("The database does not answer.")
        self.entries += entries

    def page(
        self, workspace: Workspace | None, event: Event | None, size: int, after: Place | None
    ) -> list[AuditEntry]:
        """Return at most `size` entries, newest first."""
        found = [
            each
            for each in self.entries
            if (workspace is None or each.workspace_id in (workspace.id, workspace.test_id))
            and (event is None or each.event is event)
            and (after is None or (each.at, each.id) < (after.created_at, after.id))
        ]
        return sorted(found, key=lambda each: (each.at, each.id), reverse=True)[:size]


class FakeWorkspaces:
    """Implements `Workspaces`."""

    def __init__(self, audit: FakeAudit) -> None:
        self._audit = audit
        self._workspaces: dict[str, Workspace] = {}

    def add(self, workspace: Workspace, entry: AuditEntry) -> None:
        """Keep a new workspace."""
        if any(each.name == workspace.name for each in self._workspaces.values()):
            raise WorkspaceNameTaken(workspace.name)
        self._workspaces[workspace.id] = workspace
        self._audit.append([entry])

    def find(self, name_or_id: str) -> Workspace | None:
        """Return the workspace of that id, else the one of that name."""
        by_name = (each for each in self._workspaces.values() if each.name == name_or_id)
        return self._workspaces.get(name_or_id) or next(by_name, None)

    def change(self, name_or_id: str, rule: Callable[[Workspace], WorkspaceChange]) -> Workspace:
        """Keep what `rule` makes of a workspace."""
        before = self.find(name_or_id)
        if before is None:
            raise WorkspaceNotFound
        after, entry = rule(before)
        if entry is not None:
            self._workspaces[after.id] = after
            self._audit.append([entry])
        return after

    def page(self, size: int, after: Place | None) -> list[Workspace]:
        """Return at most `size` workspaces, oldest first."""
        found = [
            each
            for each in self._workspaces.values()
            if after is None or (each.created_at, each.id) > (after.created_at, after.id)
        ]
        return sorted(found, key=lambda each: (each.created_at, each.id))[:size]

    def of(self, key: Key) -> Workspace:
        """Return the workspace that a key, perhaps of its twin, belongs to."""
        return next(each for each in self._workspaces.values() if key.workspace_id in (each.id, each.test_id))


class FakeKeys:
    """Implements `Keys`; can be taken down."""

    def __init__(self, workspaces: FakeWorkspaces, audit: FakeAudit) -> None:
        self._workspaces = workspaces
        self._audit = audit
        self._keys: dict[str, Key] = {}
        self.down = False

    def find(self, public_id: str) -> OwnedKey | None:
        """Return the key of that public id."""
        self._raise_if_down()
        key = next((key for key in self._keys.values() if key.public_id == public_id), None)
        return None if key is None else OwnedKey(key, self._workspaces.of(key))

    def add(self, key: Key, entry: AuditEntry) -> None:
        """Keep a new key."""
        self._keys[key.id] = key
        self._audit.append([entry])

    def change(self, key_id: str, rule: Callable[[OwnedKey], AnyKeyChange]) -> AnyKeyChange:
        """Keep what `rule` makes of a key, and its successor."""
        key = self._keys.get(key_id)
        if key is None:
            raise KeyNotFound
        change = rule(OwnedKey(key, self._workspaces.of(key)))
        if change.entry is not None:
            for kept in filter(None, (change.key, change.successor)):
                self._keys[kept.id] = kept
            self._audit.append([change.entry])
        return change

    def page(self, workspace: Workspace, size: int, after: Place | None) -> list[Key]:
        """Return at most `size` keys of a workspace and its twin, newest first."""
        found = [
            key
            for key in self._keys.values()
            if key.workspace_id in (workspace.id, workspace.test_id)
            and (after is None or (key.created_at, key.id) < (after.created_at, after.id))
        ]
        return sorted(found, key=lambda key: (key.created_at, key.id), reverse=True)[:size]

    def touch(self, uses: Mapping[str, datetime]) -> None:
        """Note when keys were last used."""
        self._raise_if_down()
        for key_id, at in uses.items():
            key = self._keys.get(key_id)
            if key is not None and (key.last_used_at is None or key.last_used_at < at):
                self._keys[key_id] = replace(key, last_used_at=at)

    def _raise_if_down(self) -> None:
        if self.down:
            raise Unavailable("The database does not answer.")
