"""What the tests of user tokens start from: a workspace, its signing key, and claims that hold."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.user_tokens.errors import Because, UserTokenRefused
from gateway.access.domain.user_tokens.key_sets import KeySets
from gateway.access.domain.user_tokens.user_key import UserKey, UserKeyWish
from gateway.access.domain.user_tokens.verification import UserTokens
from gateway.access.domain.workspaces.workspace import Workspace
from gateway.access.jose.signatures import JoseSignatures
from services.kernel.ids import WorkspaceId
from tests.fakes import token_maker
from tests.fakes.access import FakeAudit
from tests.fakes.clock import FakeClock
from tests.fakes.key_set_source import FakeKeySetSource
from tests.fakes.user_keys import FakeUserKeys
from tests.unit.access.given import NOW

ACME, OTHER = Workspace.create("acme", "", NOW), Workspace.create("other", "", NOW)
JWKS = "https://acme.example/jwks.json"


class World:
    """`UserTokens` over fakes and real signatures; `ACME` has one key, with a secret."""

    def __init__(self) -> None:
        self.clock, self.keys, self.source = FakeClock(NOW), FakeUserKeys(FakeAudit()), FakeKeySetSource()
        self.seconds = 0.0
        self.key_sets = KeySets(self.source, monotonic=lambda: self.seconds)
        self.tokens = UserTokens(self.keys, self.key_sets, JoseSignatures(), self.clock)
        self.key = self.add()

    def add(self, workspace: Workspace = ACME, **wish: str) -> UserKey:
        """Give a workspace a key more."""
        key = UserKeyWish(workspace.name, **wish).grant(workspace, self.clock.now())
        self.keys.add(key, an_entry(key))
        return key

    def disable(self, key: UserKey) -> None:
        """Disable a key."""
        self.keys.change(key.kid, lambda before: (before.disable(self.clock.now()), an_entry(key)))

    def subject(self, token: str, workspace_id: WorkspaceId = ACME.id) -> str:
        """Return whose a token is; raise UserTokenRefused."""
        return self.tokens.end_user(workspace_id, token).subject

    def claims(self, **claims: Any) -> dict[str, Any]:
        """Return claims that hold, changed; None takes one away."""
        now = int(self.clock.now().timestamp())
        held = {"iss": "acme", "sub": "ann", "aud": ACME.id, "iat": now, "exp": now + 600, **claims}
        return {name: value for name, value in held.items() if value is not None}

    def token(
        self,
        claims: Mapping[str, Any] | str | None = None,
        *,
        key: UserKey | None = None,
        sign: Callable[[bytes], bytes] | None = None,
        **header: Any,
    ) -> str:
        """Return a token that the key signed (the first one), with claims that hold and a changed header."""
        key = key or self.key
        whole = {"alg": key.algorithm.value, "typ": "JWT", "kid": key.kid, **header}
        return token_maker.token(
            {name: value for name, value in whole.items() if value is not None},
            self.claims() if claims is None else claims,
            sign or token_maker.signed("HS256", key.secret.encode()),
        )


def an_entry(key: UserKey) -> AuditEntry:
    """Return an entry of a change."""
    return AuditEntry.of_change(Event.USER_KEY_CREATED, key.created_at, key.workspace_id, details={})


def raw_secret(key: UserKey) -> bytes:
    """Return the bytes that a secret stands for."""
    return base64.urlsafe_b64decode(key.secret + "=")


def minutes(world: World, number: float) -> int:
    """Return the time of so many minutes from now, as claims have it."""
    return int((world.clock.now() + timedelta(minutes=number)).timestamp())


def refused(world: World, token: str) -> Because:
    """Return why a token is refused; what is told outside is the same for all."""
    with pytest.raises(UserTokenRefused) as raised:
        world.subject(token)
    assert str(raised.value) == "The user_token is not accepted."
    assert (raised.value.reason, raised.value.metadata) == ("USER_TOKEN_REFUSED", {})
    return raised.value.because


def hs256(secret: bytes) -> Any:
    """Return what signs with any secret, also with one that a library would refuse."""
    return lambda text: hmac.new(secret, text, hashlib.sha256).digest()
