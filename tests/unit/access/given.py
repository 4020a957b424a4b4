"""Fixtures of the tests of access: a workspace, its keys, the entries of both."""

from datetime import UTC, datetime

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.keys.key import Key
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.keys.known_key import KnownKey
from gateway.access.domain.workspaces.plans import Plans
from gateway.access.domain.workspaces.workspace import Workspace
from tests.fakes.access import FakeAudit, FakeKeys, FakeWorkspaces

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
ACME = Workspace.create("acme", "", NOW)
PLANS = Plans.shipped()
CREATED = AuditEntry.of_change(Event.KEY_CREATED, NOW, ACME.id, details={})


def a_key(wish: KeyWish | None = None) -> Key:
    """Return a key of acme."""
    key, _ = (wish or KeyWish("acme", scopes=("query",))).grant(ACME, NOW)
    return key


def known(key: Key) -> KnownKey:
    """Return a key of acme as the check knows it."""
    return KnownKey(key, ACME.allowance(PLANS))


class Store:
    """Access's stores in memory, with acme in them."""

    def __init__(self) -> None:
        self.audit = FakeAudit()
        self.workspaces = FakeWorkspaces(self.audit)
        self.keys = FakeKeys(self.workspaces, self.audit)
        self.workspaces.add(ACME, AuditEntry.of_change(Event.WORKSPACE_CREATED, NOW, ACME.id, details={}))

    def key(self, wish: KeyWish | None = None) -> Key:
        """Keep a key of acme."""
        key = a_key(wish)
        self.keys.add(key, CREATED)
        return key
