"""What the suites of access's stores begin with."""

from datetime import UTC, datetime

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.errors import WorkspaceNotFound
from gateway.access.domain.keys.key import Key, KeyChange, OwnedKey
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.pages import Place
from tests.contracts.access.stores import Stores

NOW = datetime(2026, 11, 22, 7, 26, 33, 123456, tzinfo=UTC)


def workspace_in(stores: Stores, name: str, now: datetime = NOW) -> Workspace:
    """Make a workspace."""
    workspace = Workspace.create(name, "", now)
    stores.workspaces.add(workspace, an_entry(workspace.id, now, Event.WORKSPACE_CREATED))
    return workspace


def key_in(
    stores: Stores,
    workspace: Workspace,
    now: datetime = NOW,
    *,
    environment: str = "live",
    expires_in_seconds: int = 0,
) -> Key:
    """Make a key in a workspace."""
    wish = KeyWish(
        workspace.id, "ci", ("query", "knowledge:read"), environment, expires_in_seconds=expires_in_seconds
    )
    key, _ = wish.grant(workspace, now)
    stores.keys.add(key, an_entry(key.workspace_id, now, Event.KEY_CREATED))
    return key


def an_entry(workspace_id: str, at: datetime = NOW, event: Event = Event.WORKSPACE_UPDATED) -> AuditEntry:
    """Return an entry of a change."""
    return AuditEntry.of_change(event, at, workspace_id, details={})


def found(stores: Stores, key: Key) -> Key:
    """Return a key as it is kept."""
    owned = stores.keys.find(key.public_id)
    assert owned is not None
    return owned.key


def refuse(owned: OwnedKey) -> KeyChange:
    """Refuse to change a key."""
    raise WorkspaceNotFound


def place(row: Workspace | Key) -> Place:
    """Return a row's place in its list."""
    return Place(row.created_at, row.id)
