"""Tokens that are signed with keys which the customer publishes."""

import json
from typing import Any

import pytest

from gateway.access.domain.user_tokens.errors import Because
from tests.fakes.token_maker import base64url, private_key, public_jwk, signed
from tests.unit.access.user_tokens.given import JWKS, World, hs256, refused


@pytest.fixture
def world() -> World:
    """Return a workspace with one signing key."""
    return World()


class TestKeySets:
    """Keys that the customer publishes."""

    @pytest.fixture(autouse=True)
    def _published(self, world: World) -> None:
        self.private = private_key("RS256")
        self.key = world.add(algorithm="RS256", issuer="https://idp.example/", jwks_url=JWKS)
        self.publish(world, public_jwk("RS256", self.private, kid="2026-11"))

    def publish(self, world: World, *keys: dict[str, Any]) -> None:
        """Publish keys."""
        world.source.sets[JWKS] = json.dumps({"keys": keys}).encode()

    def token(self, world: World, kid: str | None = "2026-11", iss: str = "https://idp.example/") -> str:
        """Return a token that the published key signed."""
        sign = signed("RS256", self.private)
        return world.token(world.claims(iss=iss), key=self.key, kid=kid, sign=sign)

    def test_the_sets_own_names_count(self, world: World) -> None:
        """Which set they are looked up in, the issuer tells."""
        assert world.subject(self.token(world)) == "ann"
        assert refused(world, self.token(world, kid="2026-12")) is Because.KEY_UNKNOWN
        assert refused(world, self.token(world, iss="https://else.example/")) is Because.KEY_UNKNOWN

    def test_our_name_means_the_only_key_of_the_set(self, world: World) -> None:
        """Where there are two, it is open which one is meant."""
        assert world.subject(self.token(world, kid=self.key.kid)) == "ann"
        world.seconds += 3_600
        self.publish(
            world, public_jwk("RS256", self.private, kid="a"), public_jwk("RS256", self.private, kid="b")
        )
        assert refused(world, self.token(world, kid=self.key.kid)) is Because.KEY_UNKNOWN

    def test_a_token_without_a_name(self, world: World) -> None:
        """Only where the workspace has one key in force, and the set one key."""
        assert refused(world, self.token(world, kid=None)) is Because.KEY_AMBIGUOUS
        world.disable(world.key)
        assert world.subject(self.token(world, kid=None)) == "ann"

    def test_a_secret_in_a_public_set_is_no_key(self, world: World) -> None:
        """Nor is a private key, a key for encryption, one of another algorithm, or a short one."""
        encoded = base64url(b"x" * 32)
        short = public_jwk("RS256", private_key("RS256", 1024), kid="2026-11")
        whole = public_jwk("RS256", self.private, kid="2026-11")
        unknown, signature = Because.KEY_UNKNOWN, Because.SIGNATURE
        for jwk, because in (
            ({"kty": "oct", "k": encoded, "kid": "2026-11", "alg": "RS256"}, unknown),
            ({**whole, "d": "AQAB"}, unknown),
            ({**whole, "use": "enc"}, unknown),
            ({**whole, "key_ops": ["encrypt"]}, unknown),
            ({**whole, "alg": "RS512"}, unknown),
            ({**whole, "n": 7}, unknown),
            (public_jwk("ES256", private_key("ES256"), kid="2026-11"), unknown),
            ({**whole, "n": "!"}, signature),
            (short, signature),
        ):
            world.seconds += 3_600
            self.publish(world, jwk)
            assert refused(world, self.token(world)) is because, jwk
        sign = hs256(b"x" * 32)
        world.seconds += 3_600
        self.publish(world, {"kty": "oct", "k": encoded, "kid": "2026-11"})
        forged = world.token(world.claims(iss="https://idp.example/"), kid="2026-11", alg="HS256", sign=sign)
        assert refused(world, forged) is Because.ALGORITHM

    def test_a_short_key_signs_nothing(self, world: World) -> None:
        """Although its signature is right."""
        short = private_key("RS256", 1024)
        self.publish(world, public_jwk("RS256", short, kid="2026-11"))
        token = world.token(
            world.claims(iss="https://idp.example/"), key=self.key, kid="2026-11", sign=signed("RS256", short)
        )
        assert refused(world, token) is Because.SIGNATURE

    def test_a_set_that_cannot_be_had(self, world: World) -> None:
        """The token is refused; the log knows why."""
        world.source.sets.clear()
        assert refused(world, self.token(world)) is Because.KEY_SET_UNAVAILABLE
