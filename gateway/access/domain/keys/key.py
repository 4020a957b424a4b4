"""API keys as they are kept: everything but the secret."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway.access.domain.audit import AuditEntry
from gateway.access.domain.errors import KeyNotRotatable
from gateway.access.domain.keys import key_format
from gateway.access.domain.keys.key_format import Environment, KeyKind, PresentedKey
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.ids import WorkspaceId, new_id


@dataclass(frozen=True)
class Key:
    """A key that was given out."""

    id: str
    public_id: str
    secret_hash: bytes = field(repr=False)
    workspace_id: WorkspaceId
    environment: Environment
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    kind: KeyKind = KeyKind.SECRET
    # Of a publishable key: where its requests may come from.
    origins: tuple[str, ...] = ()
    # Its own limit, on top of the workspace's; 0: none.
    requests_per_minute: int = 0
    # Id of the key that took its place; empty: none did.
    rotated_to: str = ""

    @property
    def prefix(self) -> str:
        """The first characters, which people recognise the key by."""
        return key_format.prefix(self.kind, self.environment, self.public_id)

    def opened_by(self, presented: PresentedKey) -> bool:
        """
        Whether that is this key.

        Kind and environment are no part of the secret: unless compared, `sk_test_…` passes as `sk_live_…`.
        """
        return (
            self.kind is presented.kind
            and self.environment is presented.environment
            and presented.opens(self.secret_hash)
        )

    def is_expired(self, now: datetime) -> bool:
        """Whether its end has come; the instant of the end is part of it."""
        return self.expires_at is not None and now >= self.expires_at

    def revoke(self, now: datetime) -> "Key":
        """Return the key, revoked from `now` on, or from when it was revoked first."""
        return self if self.revoked_at else replace(self, revoked_at=now)

    def rotate(self, overlap: timedelta, now: datetime) -> "Rotation":
        """
        Return this key with its end after `overlap`, unless it ends sooner, and its successor.

        The successor is the same but for its secret and its ids, and ends when this key was to end.

        Raises:
            KeyNotRotatable: it is revoked, expired or has a successor.
        """
        if self.revoked_at or self.is_expired(now) or self.rotated_to:
            raise KeyNotRotatable
        presented = key_format.mint(self.environment, self.kind)
        successor = replace(
            self,
            id=new_id("key"),
            public_id=presented.public_id,
            secret_hash=presented.secret_hash,
            created_at=now,
            last_used_at=None,
        )
        end = now + overlap
        if self.expires_at is not None:
            end = min(end, self.expires_at)
        old = replace(self, expires_at=end, rotated_to=successor.id)
        return Rotation(key=old, successor=successor, presented=presented)


@dataclass(frozen=True)
class OwnedKey:
    """A key, and the workspace it belongs to: the live one, also where the key is of the twin."""

    key: Key
    workspace: Workspace


@dataclass(frozen=True, kw_only=True)
class KeyChange:
    """A key as it is to be kept, its successor, and the entry of it; no entry: nothing changes."""

    key: Key
    entry: AuditEntry | None = None
    successor: Key | None = None


@dataclass(frozen=True, kw_only=True)
class Rotation(KeyChange):
    """A key, the one that takes its place, and the whole text of that one."""

    successor: Key
    presented: PresentedKey
