"""Whatever comes as a token or as a key set: it is somebody's, or it is refused, and nothing else happens."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.access.domain.user_tokens.end_user import EndUser
from gateway.access.domain.user_tokens.errors import UserTokenRefused
from gateway.access.domain.user_tokens.key_set import key_set
from gateway.access.domain.user_tokens.strict_json import Malformed
from tests.fakes.token_maker import private_key, public_jwk, signed
from tests.unit.access.user_tokens.given import ACME, JWKS, World

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["acme", ACME.id, "JWT", "HS256", "RS256", "none", "sig", "verify", "RSA", "AQAB"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "sub", "aud", "iat", "exp", "nbf", "email", "email_verified", "jti"])
    | st.text(max_size=3),
    VALUES,
)
HEADERS = st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jku", "jwk"]), VALUES)
JWKS_MEMBERS = st.dictionaries(
    st.sampled_from(["kty", "crv", "n", "e", "x", "y", "d", "kid", "alg", "use", "key_ops"]), VALUES
)


def outcome(world: World, token: str) -> EndUser | UserTokenRefused:
    """Return whose a token is, or its refusal."""
    try:
        return world.tokens.end_user(ACME.id, token)
    except UserTokenRefused as refused:
        return refused


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", fullmatch=True))
def test_no_text_is_a_token_without_a_signature(text: str) -> None:
    """Whatever its form."""
    assert isinstance(outcome(World(), text), UserTokenRefused)


@given(CLAIMS, HEADERS)
def test_claims_hold_or_are_refused(claims: dict[str, Any], header: dict[str, Any]) -> None:
    """Any JSON with a good signature, near what holds: who is known then has a name and a short life."""
    world = World()
    header = {name: value for name, value in header.items() if value is not None}
    told = outcome(world, world.token({**world.claims(), **claims}, **header))
    if isinstance(told, EndUser):
        assert 1 <= len(told.subject) <= 255
        assert 0 < (told.expires_at - told.issued_at).total_seconds() <= 3_600
        assert abs((told.issued_at - world.clock.now()).total_seconds()) <= 3_630
        assert header.get("alg", "HS256") == "HS256"
        assert not header.keys() & {"crit", "b64", "jku", "jwk"}


@given(st.lists(JWKS_MEMBERS, max_size=3))
def test_a_key_set_has_the_key_or_not(members: list[dict[str, Any]]) -> None:
    """Whatever stands beside it, or in it: only the key that signed verifies."""
    world = World()
    private = private_key("RS256")
    key = world.add(algorithm="RS256", jwks_url=JWKS)
    good = public_jwk("RS256", private, kid="a")
    keys = [{**good, **each} for each in members]
    world.source.sets[JWKS] = json.dumps({"keys": keys}).encode()
    token = world.token(key=key, kid="a", sign=signed("RS256", private))
    if isinstance(outcome(world, token), EndUser):
        assert any(each.get("n") == good["n"] and "d" not in each for each in keys)


@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_a_key_set_is_one_or_malformed(raw: bytes) -> None:
    """Nothing else is raised."""
    try:
        key_set(raw)
    except Malformed:
        return
    assert b"keys" in raw
