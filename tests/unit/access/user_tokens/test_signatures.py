"""What verifies signatures never raises, whatever key it is given."""

import pytest

from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.key_set import Jwk
from gateway.access.domain.user_tokens.signatures import PublicKey, SharedSecret, VerifyingKey
from gateway.access.jose.signatures import JoseSignatures
from tests.fakes import token_maker
from tests.fakes.token_maker import private_key, public_jwk, public_pem, signed

SECRET = "A" * 43
PRIVATE = private_key("RS256")
JWK = Jwk(None, None, public_jwk("RS256", PRIVATE))
TOKENS = {
    Algorithm.HS256: token_maker.token({"alg": "HS256"}, {}, signed("HS256", SECRET.encode())),
    Algorithm.RS256: token_maker.token({"alg": "RS256"}, {}, signed("RS256", PRIVATE)),
}


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        (Algorithm.HS256, SharedSecret(SECRET)),
        (Algorithm.RS256, PublicKey(public_pem(PRIVATE))),
        (Algorithm.RS256, JWK),
    ],
)
def test_what_verifies(algorithm: Algorithm, key: VerifyingKey) -> None:
    """A key of the algorithm's kind, its own token alone."""
    signatures = JoseSignatures()
    for each, token in TOKENS.items():
        assert signatures.verifies(algorithm, key, token) is (each is algorithm)


@pytest.mark.parametrize("algorithm", [*Algorithm])
@pytest.mark.parametrize(
    "key",
    [
        SharedSecret(""),
        SharedSecret("AAAA"),
        PublicKey(""),
        PublicKey("no key"),
        PublicKey(public_pem(private_key("ES384"))),
        Jwk(None, None, {"kty": "RSA"}),
        Jwk(None, None, {"kty": "oct", "k": "AAAA"}),
        Jwk(None, None, {"kty": "RSA", "n": "AAAA", "e": "AAAA"}),
        Jwk(None, None, {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}),
        Jwk(None, None, {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}),
        Jwk(None, None, {"kty": "OKP", "crv": "Ed25519", "x": "ü"}),
    ],
)
def test_what_is_no_key_verifies_nothing(algorithm: Algorithm, key: VerifyingKey) -> None:
    """Nor does it raise."""
    for token in (*TOKENS.values(), "", "a.b.c"):
        assert not JoseSignatures().verifies(algorithm, key, token)


@pytest.mark.parametrize("algorithm", [Algorithm.RS256, Algorithm.ES256, Algorithm.EDDSA])
def test_a_secret_is_no_public_key(algorithm: Algorithm) -> None:
    """A shared secret is HS256's alone."""
    assert not JoseSignatures().verifies(algorithm, SharedSecret(SECRET), TOKENS[Algorithm.RS256])
    sign = signed("HS256", SECRET.encode())
    token = token_maker.token({"alg": algorithm.value}, {}, sign)
    assert not JoseSignatures().verifies(algorithm, SharedSecret(SECRET), token)
