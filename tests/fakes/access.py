"""Access's stores in memory."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from gateway.access.domain.errors import WorkspaceNameTaken
from gateway.access.domain.key import Key
from gateway.access.domain.workspace import Workspace
from services.kernel.errors import Unavailable
from services.kernel.pages import Place


class FakeKeys:
    """Implements `Keys`; can be taken down, and counts the look-ups of the check."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self.look_ups = 0
        self.down = False

    def find(self, public_id: str) -> Key | None:
        """Return the key of that public id."""
        self.look_ups += 1
        self._raise_if_down()
        return next((key for key in self._keys.values() if key.public_id == public_id), None)

    def add(self, key: Key) -> None:
        """Keep a new key."""
        self._keys[key.id] = key

    def revoke(self, key_id: str, now: datetime) -> Key | None:
        """Return the key, revoked."""
        if key_id not in self._keys:
            return None
        self._keys[key_id] = self._keys[key_id].revoke(now)
        return self._keys[key_id]

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


class FakeWorkspaces:
    """Implements `Workspaces`."""

    def __init__(self) -> None:
        self._workspaces: list[Workspace] = []

    def add(self, workspace: Workspace) -> None:
        """Keep a new workspace."""
        if any(each.name == workspace.name for each in self._workspaces):
            raise WorkspaceNameTaken(workspace.name)
        self._workspaces.append(workspace)

    def find(self, name_or_id: str) -> Workspace | None:
        """Return the workspace of that id, else the one of that name."""
        by_id = [each for each in self._workspaces if each.id == name_or_id]
        by_name = [each for each in self._workspaces if each.name == name_or_id]
        return next(iter(by_id + by_name), None)

    def page(self, size: int, after: Place | None) -> list[Workspace]:
        """Return at most `size` workspaces, oldest first."""
        found = [
            each
            for each in self._workspaces
            if after is None or (each.created_at, each.id) > (after.created_at, after.id)
        ]
        return sorted(found, key=lambda each: (each.created_at, each.id))[:size]
