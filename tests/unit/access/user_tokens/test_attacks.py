"""Tokens as an attacker makes them: every way to cheat that we know of."""

import base64
import json
from typing import Any

import pytest

from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.errors import Because
from tests.fakes import token_maker
from tests.fakes.token_maker import base64url, private_key, public_jwk, public_pem, signed
from tests.unit.access.user_tokens.given import ACME, JWKS, OTHER, World, hs256, minutes, refused


@pytest.fixture
def world() -> World:
    """Return a workspace with one signing key."""
    return World()


class TestAttacks:
    """Tokens as an attacker makes them."""

    @pytest.mark.parametrize(
        "algorithm", ["none", "NoNe", "NONE", "", "HS384", "HS512", "hs256", "RS256", "ES256"]
    )
    def test_another_algorithm(self, world: World, algorithm: str) -> None:
        """The key says which one; without a signature, with an empty one, or with the right one."""
        assert refused(world, world.token(alg=algorithm)) is Because.ALGORITHM
        assert refused(world, world.token(alg=algorithm, sign=lambda _: b"")) is Because.MALFORMED
        assert refused(world, world.token(alg=algorithm, sign=lambda _: b"x")) is Because.ALGORITHM

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
    def test_a_public_key_as_a_secret(self, world: World, algorithm: str) -> None:
        """HS256 with the public key, which everybody may have: the algorithm is the key's own."""
        pem = public_pem(private_key(algorithm))
        key = world.add(algorithm=algorithm, public_key=pem)
        for secret in (pem, pem.strip(), pem.replace("\n", "")):
            sign = hs256(secret.encode())
            assert refused(world, world.token(key=key, alg="HS256", sign=sign)) is Because.ALGORITHM
            assert refused(world, world.token(key=key, sign=sign)) is Because.SIGNATURE

    def test_a_wrong_secret(self, world: World) -> None:
        """Another key's, a short one, none, or one that is nearly right."""
        for secret in (
            world.add().secret,
            "secret",
            "",
            world.key.secret[:-1],
            world.key.secret + "=",
            "\0" * 32,
        ):
            assert refused(world, world.token(sign=hs256(secret.encode()))) is Because.SIGNATURE

    def test_a_stripped_signature(self, world: World) -> None:
        """With the dot, without it, or cut."""
        token = world.token()
        head = token.rpartition(".")[0]
        assert refused(world, head + ".") is Because.MALFORMED
        assert refused(world, head) is Because.MALFORMED
        assert refused(world, head + "." + token.rpartition(".")[2][:20]) is Because.SIGNATURE

    def test_changed_claims(self, world: World) -> None:
        """The signature is of every byte."""
        head, _, signature = world.token().split(".")
        other = base64url(json.dumps(world.claims(sub="ben")).encode())
        assert refused(world, f"{head}.{other}.{signature}") is Because.SIGNATURE

    @pytest.mark.parametrize(
        ("claims", "because"),
        [
            ({"exp": -1.0}, Because.EXPIRED),
            ({"iat": -120.0, "exp": -60.0}, Because.EXPIRED),
            ({"nbf": 1.0}, Because.NOT_YET_VALID),
            ({"iat": 1.0, "exp": 10.0}, Because.NOT_YET_VALID),
            ({"exp": 60.5}, Because.LIFETIME),
            ({"iat": -10.0, "exp": 50.5}, Because.LIFETIME),
            ({"exp": 10 * 365 * 24 * 60.0}, Because.LIFETIME),
            ({"iat": 0.4, "exp": 0.2}, Because.LIFETIME),
        ],
    )
    def test_times(self, world: World, claims: dict[str, float], because: Because) -> None:
        """Expired, not begun, of the future, or living longer than an hour; in minutes from now."""
        times = {name: minutes(world, number) for name, number in claims.items()}
        assert refused(world, world.token(world.claims(**times))) is because

    @pytest.mark.parametrize("name", ["iss", "sub", "aud", "iat", "exp"])
    def test_a_missing_claim(self, world: World, name: str) -> None:
        """Each of the five is required."""
        because = {"iss": Because.ISSUER, "sub": Because.SUBJECT, "aud": Because.AUDIENCE}
        assert refused(world, world.token(world.claims(**{name: None}))) is because.get(name, Because.TIMES)

    @pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
    @pytest.mark.parametrize("value", ["1795330800", True, [], {}, "", 10**400, -(10**20)])
    def test_times_that_are_none(self, world: World, name: str, value: object) -> None:
        """A time is a number of this age."""
        assert refused(world, world.token(world.claims(**{name: value}))) is Because.TIMES

    @pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
    def test_numbers_that_are_none(self, world: World, text: str) -> None:
        """JSON has no such numbers, whatever a parser takes."""
        claims = json.dumps(world.claims(exp=0)).replace('"exp": 0', f'"exp": {text}')
        assert refused(world, world.token(claims)) in (Because.MALFORMED, Because.TIMES)

    @pytest.mark.parametrize(
        "audience", ["", "acme", ACME.test_id, OTHER.id, 7, [ACME.id], [], {"a": 1}, True]
    )
    def test_a_wrong_audience(self, world: World, audience: object) -> None:
        """One string, this workspace's; a list that holds it is a token for others, too."""
        assert refused(world, world.token(world.claims(aud=audience))) is Because.AUDIENCE

    @pytest.mark.parametrize("issuer", ["", "other", "ACME", 7, ["acme"]])
    def test_a_wrong_issuer(self, world: World, issuer: object) -> None:
        """The key's, exactly."""
        assert refused(world, world.token(world.claims(iss=issuer))) is Because.ISSUER

    @pytest.mark.parametrize("subject", ["", 7, True, ["ann"], {"a": 1}, "x" * 256, "a\0b", "a\nb", "\ud800"])
    def test_a_subject_that_is_none(self, world: World, subject: object) -> None:
        """1 to 255 characters that can be kept and shown."""
        assert refused(world, world.token(world.claims(sub=subject))) is Because.SUBJECT

    def test_subjects_of_255_characters(self, world: World) -> None:
        """That many are allowed, whatever their size in bytes."""
        assert world.subject(world.token(world.claims(sub="ü" * 255))) == "ü" * 255

    @pytest.mark.parametrize("name", ["email", "stripe_customer_id", "shopify_customer_id"])
    @pytest.mark.parametrize("value", [7, ["cus_1"], "x" * 321, "cus\0"])
    def test_other_claims_of_a_wrong_form(self, world: World, name: str, value: object) -> None:
        """What is not understood is not passed over."""
        assert refused(world, world.token(world.claims(**{name: value}))) is Because.CLAIM

    @pytest.mark.parametrize(
        "header",
        [
            {"crit": ["exp"]},
            {"crit": []},
            {"crit": ["b64"], "b64": False},
            {"b64": False},
            {"b64": True},
            {"jku": "https://evil.example/jwks.json"},
            {"jwk": {"kty": "oct", "k": "AA"}},
            {"x5u": "https://evil.example/cert.pem"},
            {"x5c": ["MIIB"]},
            {"x5t": "AA"},
            {"cty": "JWT"},
            {"zip": "DEF"},
            {"KID": "x"},
            {"typ": "at+jwt"},
            {"typ": 7},
            {"kid": 7},
            {"kid": ["a"]},
            {"kid": ""},
            {"kid": "x" * 256},
            {"alg": 7},
            {"alg": ["HS256"]},
        ],
    )
    def test_a_header_with_more_in_it(self, world: World, header: dict[str, Any]) -> None:
        """Only alg, typ and kid, as texts: a token brings no key, no address of one, no rules of its own."""
        assert refused(world, world.token(**header)) is Because.HEADER

    def test_a_header_without_algorithm(self, world: World) -> None:
        """There is no default."""
        assert refused(world, world.token(alg=None)) is Because.HEADER

    def test_a_key_of_its_own(self, world: World) -> None:
        """A key that comes with the token verifies nothing, however well it signed."""
        private = private_key("RS256")
        sign = signed("RS256", private)
        for header in ({"jwk": public_jwk("RS256", private)}, {"jku": JWKS}, {"x5u": JWKS}):
            assert refused(world, world.token(alg="RS256", sign=sign, **header)) is Because.HEADER
        assert not world.source.fetches

    @pytest.mark.parametrize(
        "kid", ["uk_unknown", "../../dev/null", "' OR 1=1 --", "https://evil.example/", "\0", "\ud800"]
    )
    def test_an_unknown_kid(self, world: World, kid: str) -> None:
        """Names one of this workspace's keys, or none; it is no path, no address, no query."""
        assert refused(world, world.token(kid=kid)) is Because.KEY_UNKNOWN

    def test_duplicate_names(self, world: World) -> None:
        """Of two values one reader takes the first, the other the last."""
        claims = json.dumps(world.claims())
        twice = claims[:-1] + ', "sub": "admin"}'
        assert refused(world, world.token(twice)) is Because.MALFORMED
        deep = claims[:-1] + ', "own": [{"a": 1, "a": 2}]}'
        assert refused(world, world.token(deep)) is Because.MALFORMED
        escaped = claims[:-1] + ', "s\\u0075b": "admin"}'
        assert refused(world, world.token(escaped)) is Because.MALFORMED
        header = '{"alg":"none","alg":"HS256","kid":"' + world.key.kid + '"}'
        sign = hs256(world.key.secret.encode())
        assert refused(world, token_maker.token(header, world.claims(), sign)) is Because.MALFORMED

    @pytest.mark.parametrize("opening", ["[", '{"a":', "[[{"])
    def test_deep_nesting(self, world: World, opening: str) -> None:
        """No parser is sent down there."""
        depth = 3_000 // len(opening)
        assert refused(world, world.token(opening * (depth * 3 // 4))) is Because.MALFORMED
        header = token_maker.token(opening * 500, world.claims(), lambda _: b"x")
        assert refused(world, header) is Because.MALFORMED

    def test_claims_may_be_eight_deep(self, world: World) -> None:
        """Whatever stands there; no deeper, although it is good JSON."""
        for depth, holds in ((7, True), (8, False)):
            token = world.token(world.claims(own=json.loads("[" * depth + "]" * depth)))
            if holds:
                assert world.subject(token) == "ann"
            else:
                assert refused(world, token) is Because.MALFORMED

    def test_each_part_has_one_form(self, world: World) -> None:
        """The bits of the last character that mean nothing are nought: no two texts are one token."""
        token = world.token()
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        other = alphabet[alphabet.index(token[-1]) + 1]
        assert refused(world, token[:-1] + other) is Because.MALFORMED

    def test_brackets_in_texts_are_no_nesting(self, world: World) -> None:
        """Nor are escaped quotes an end of one."""
        assert world.subject(world.token(world.claims(own='[[[[[[[[[[[["\\"[[[[[[[['))) == "ann"

    def test_a_token_of_a_megabyte(self, world: World) -> None:
        """Nothing of it is read."""
        assert refused(world, "a" * 2**20) is Because.TOO_LONG
        assert refused(world, world.token(world.claims(own="x" * 2**20))) is Because.TOO_LONG

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ".",
            "..",
            "a.b",
            "a.b.c.d",
            "e30.e30.",
            "e30=.e30=.AAAA",
            " e30.e30.AAAA",
            "e30.e30.AAAA\n",
            "e 30.e30.AAAA",
            "e30.e30.ÄÄÄÄ",
            "e30.e30.AA+/",
            "e30.W10.AAAA",
            "W10.e30.AAAA",
            "bnVsbA.e30.AAAA",
            "77u_e30.e30.AAAA",
            "gICA.e30.AAAA",
            "e31.e30.AAAA",
            "e30.e30.AAAAA",
        ],
    )
    def test_what_is_no_token(self, world: World, text: str) -> None:
        """Not three parts of base64url, padded, not the one form of its bytes, or not two JSON objects."""
        assert refused(world, text) in (Because.MALFORMED, Because.HEADER)

    def test_an_object_of_trailing_things(self, world: World) -> None:
        """A text holds one object and no more."""
        claims = json.dumps(world.claims())
        for text in (claims + "{}", claims[:-1] + ",}", "//\n" + claims, claims.replace('"', "'")):
            assert refused(world, world.token(text)) is Because.MALFORMED

    def test_an_encrypted_token(self, world: World) -> None:
        """Five parts are a JWE, which is none."""
        assert refused(world, "e30.e30.e30.e30.e30") is Because.MALFORMED


@pytest.mark.parametrize("algorithm", [*Algorithm])
def test_any_flipped_bit_of_a_signature_is_told(world: World, algorithm: Algorithm) -> None:
    """Of every algorithm; the last character of a part has one form only."""
    private = private_key(algorithm.value)
    key, sign = world.key, None
    if algorithm.has_public_key:
        key = world.add(algorithm=algorithm.value, public_key=public_pem(private))
        sign = signed(algorithm.value, private)
    head, _, signature = world.token(key=key, sign=sign).rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    for place in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[place] ^= 1
        assert refused(world, f"{head}.{base64url(bytes(changed))}") is Because.SIGNATURE
