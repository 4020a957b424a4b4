"""The key that an operator asks for."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.access.domain.keys import key_format, origin, scopes
from gateway.access.domain.keys.key import Key
from gateway.access.domain.keys.key_format import Environment, KeyKind, PresentedKey
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import new_id

MAX_NAME_LENGTH = 64
MAX_REQUESTS_PER_MINUTE = 1_000_000


@dataclass(frozen=True)
class KeyWish:
    """What an operator asks for; empty texts stand for the defaults, no requests per minute for no limit."""

    workspace: str
    name: str = ""
    scopes: Sequence[str] = ()
    environment: str = ""
    expires_in_seconds: int = 0
    kind: str = ""
    origins: Sequence[str] = ()
    requests_per_minute: int = 0

    def check(self) -> None:
        """
        Hold the wish against the rules.

        Raises:
            InvalidArgument: with each rule that it breaks.
        """
        violations = [*self._violations_of_kind(), *self._violations()]
        if violations:
            raise InvalidArgument.of(violations)

    def grant(self, workspace: Workspace, now: datetime) -> tuple[Key, PresentedKey]:
        """Return the key to keep and the whole key to give out, once."""
        environment = Environment(self.environment or Environment.LIVE)
        kind = KeyKind(self.kind or KeyKind.SECRET)
        presented = key_format.mint(environment, kind)
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
            kind=kind,
            origins=tuple(dict.fromkeys(self.origins)),
            requests_per_minute=self.requests_per_minute,
        )
        return key, presented

    def _violations_of_kind(self) -> Iterator[Violation]:
        if self.kind == KeyKind.PUBLISHABLE:
            yield from scopes.violations_of_publishable(self.scopes)
            yield from origin.violations(self.origins)
            return
        yield from scopes.violations(self.scopes)
        if self.kind not in ("", KeyKind.SECRET):
            yield Violation("/kind", f"must be {KeyKind.SECRET} or {KeyKind.PUBLISHABLE}")
        elif self.origins:
            yield Violation("/origins", "are for publishable keys only")

    def _violations(self) -> Iterator[Violation]:
        if len(self.name) > MAX_NAME_LENGTH:
            yield Violation("/name", f"must have at most {MAX_NAME_LENGTH} characters")
        if any(unicodedata.category(character) == "Cc" for character in self.name):
            yield Violation("/name", "must have no control characters")
        if self.environment not in ("", *Environment):
            yield Violation("/environment", "must be live or test")
        if self.expires_in_seconds < 0:
            yield Violation("/expires_in_seconds", "must not be negative")
        if not 0 <= self.requests_per_minute <= MAX_REQUESTS_PER_MINUTE:
            yield Violation(
                "/requests_per_minute", f"must be from 0 (no limit of its own) to {MAX_REQUESTS_PER_MINUTE:,}"
            )
