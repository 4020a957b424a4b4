"""API keys as they are kept: everything but the secret."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.access.domain import key_format, scopes
from gateway.access.domain.key_format import Environment, PresentedKey
from gateway.access.domain.workspace import Workspace
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId, new_id

MAX_NAME_LENGTH = 64


class KeyKind(StrEnum):
    """Who may see a key: its owner's servers alone (`sk_`), or everybody who reads a page (`pk_`)."""

    SECRET = "secret"
    PUBLISHABLE = "publishable"


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
        return f"sk_{self.environment}_{self.public_id}"

    def is_expired(self, now: datetime) -> bool:
        """Whether its end has come; the instant of the end is part of it."""
        return self.expires_at is not None and now >= self.expires_at

    def revoke(self, now: datetime) -> "Key":
        """Return the key, revoked from `now` on, or from when it was revoked first."""
        return self if self.revoked_at else replace(self, revoked_at=now)


@dataclass(frozen=True)
class KeyWish:
    """What an operator asks for; empty texts stand for the defaults."""

    workspace: str
    name: str = ""
    scopes: Sequence[str] = ()
    environment: str = ""
    expires_in_seconds: int = 0

    def check(self) -> None:
        """
        Hold the wish against the rules.

        Raises:
            InvalidArgument: with each rule that it breaks.
        """
        violations = scopes.violations(self.scopes)
        if len(self.name) > MAX_NAME_LENGTH:
            violations.append(Violation("/name", f"must have at most {MAX_NAME_LENGTH} characters"))
        if any(unicodedata.category(character) == "Cc" for character in self.name):
            violations.append(Violation("/name", "must have no control characters"))
        if self.environment not in ("", *Environment):
            violations.append(Violation("/environment", "must be live or test"))
        if self.expires_in_seconds < 0:
            violations.append(Violation("/expires_in_seconds", "must not be negative"))
        if violations:
            raise InvalidArgument.of(violations)

    def grant(self, workspace: Workspace, now: datetime) -> tuple[Key, PresentedKey]:
        """Return the key to keep and the whole key to give out, once."""
        environment = Environment(self.environment or Environment.LIVE)
        presented = key_format.mint(environment)
        lifetime = self.expires_in_seconds
        key = Key(
            id=new_id("key"),
            public_id=presented.public_id,
            secret_hash=presented.secret_hash,
            workspace_id=workspace.id_in(environment),
            environment=environment,
            name=self.name,
            scopes=scopes.in_order(self.scopes),
            created_at=now,
            expires_at=now + timedelta(seconds=lifetime) if lifetime else None,
        )
        return key, presented
