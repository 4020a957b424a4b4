"""Signing keys: what a customer's back end signs its end users' tokens with."""

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.access.domain.keys.key_format import Environment
from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.end_user import is_name
from gateway.access.domain.user_tokens.errors import UnfitPublicKey
from gateway.access.domain.user_tokens.jwks_url import JwksUrl, UnfitUrl
from gateway.access.domain.user_tokens.signatures import PublicKeys
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId, new_id

MAX_ISSUER = 255
_SECRET_BYTES = 32


@dataclass(frozen=True)
class UserKey:
    """
    A signing key of a workspace (or of its test twin).

    One of three holds what verifies: `secret` (HS256; base64url), `public_key` (PEM), `jwks_url`.
    """

    kid: str
    workspace_id: WorkspaceId
    environment: Environment
    algorithm: Algorithm
    # What its tokens have to say in `iss`.
    issuer: str
    created_at: datetime
    secret: str = field(default="", repr=False)
    public_key: str = ""
    jwks_url: str = ""
    disabled_at: datetime | None = None

    @property
    def audience(self) -> str:
        """What its tokens have to say in `aud`: good for one workspace, or its twin, and nowhere else."""
        return self.workspace_id

    def disable(self, now: datetime) -> "UserKey":
        """Return the key, disabled from `now` on, or from when it was disabled first."""
        return self if self.disabled_at else replace(self, disabled_at=now)


@dataclass(frozen=True)
class UserKeyWish:
    """What an operator asks for; empty texts stand for the defaults."""

    workspace: str
    environment: str = ""
    algorithm: str = ""
    issuer: str = ""
    public_key: str = ""
    jwks_url: str = ""

    def checked(self, public_keys: PublicKeys, hosts: frozenset[str]) -> "UserKeyWish":
        """
        Hold the wish against the rules; return it with its public key in the common form.

        `hosts` are the ones that key sets may come from; empty: any.

        Raises:
            InvalidArgument: with each rule that it breaks.
        """
        violations: list[Violation] = []
        if self.environment not in ("", *Environment):
            violations.append(Violation("/environment", "must be live or test"))
        if self.issuer and not is_name(self.issuer, MAX_ISSUER):
            violations.append(Violation("/iss", f"must be 1 to {MAX_ISSUER} printable characters"))
        canonical = self.public_key
        if self.algorithm not in ("", *Algorithm):
            violations.append(Violation("/alg", f"must be one of {', '.join(Algorithm)}"))
        else:
            violations += self._misplaced()
        if self.jwks_url:
            try:
                JwksUrl.parse(self.jwks_url, hosts)
            except UnfitUrl as unfit:
                violations.append(Violation("/jwks_url", str(unfit)))
        if self.public_key and self._has_public_key:
            try:
                canonical = public_keys.canonical(self._algorithm, self.public_key)
            except UnfitPublicKey as unfit:
                violations.append(Violation("/public_key", str(unfit)))
        if violations:
            raise InvalidArgument.of(violations)
        return replace(self, public_key=canonical)

    def grant(self, workspace: Workspace, now: datetime) -> UserKey:
        """Return the key of a wish that was checked, with its secret where it has one."""
        environment = Environment(self.environment or Environment.LIVE)
        raw = b"" if self._has_public_key else secrets.token_bytes(_SECRET_BYTES)
        return UserKey(
            kid=new_id("uk"),
            workspace_id=workspace.id_in(environment),
            environment=environment,
            algorithm=self._algorithm,
            issuer=self.issuer or workspace.name,
            created_at=now,
            secret=base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
            public_key=self.public_key,
            jwks_url=self.jwks_url,
        )

    @property
    def _algorithm(self) -> Algorithm:
        return Algorithm(self.algorithm or Algorithm.HS256)

    @property
    def _has_public_key(self) -> bool:
        return self.algorithm in [*Algorithm] and self._algorithm.has_public_key

    def _misplaced(self) -> Iterator[Violation]:
        given = [name for name in ("public_key", "jwks_url") if getattr(self, name)]
        if not self._algorithm.has_public_key:
            for name in given:
                yield Violation(f"/{name}", f"can't be given for {Algorithm.HS256}: its secret is made here")
        elif not given:
            yield Violation("/public_key", f"must be given for {self._algorithm}, or jwks_url")
        elif len(given) > 1:
            yield Violation("/jwks_url", "can't be given together with public_key")
