"""Fixtures of the tests of access: a workspace and keys in it."""

from datetime import UTC, datetime

from gateway.access.domain.key import Key, KeyWish
from gateway.access.domain.workspace import Workspace
from tests.fakes.access import FakeKeys

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
ACME = Workspace.create("acme", "", NOW)


def a_key(
    keys: FakeKeys, *, environment: str = "live", scopes: tuple[str, ...] = ("query",), lifetime: int = 0
) -> tuple[Key, str]:
    """Keep a key of acme; return it and its whole text."""
    key, presented = KeyWish("acme", "", scopes, environment, lifetime).grant(ACME, NOW)
    keys.add(key)
    return key, presented.reveal()
