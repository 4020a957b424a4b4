"""Public keys, and whether they are fit for an algorithm."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.errors import UnfitPublicKey
from gateway.access.domain.user_tokens.key_set import Jwk

MIN_RSA_BITS = 2_048
# A key of a million bits would hold a processor for minutes.
MAX_RSA_BITS = 8_192
MAX_PEM = 16 * 1024

Key = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class PemPublicKeys:
    """Implements `PublicKeys`."""

    def canonical(self, algorithm: Algorithm, pem: str) -> str:
        """Return a public key as PEM of one form; raise UnfitPublicKey."""
        found = from_pem(algorithm, pem)
        return found.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def from_pem(algorithm: Algorithm, pem: str) -> Key:
    """Return the public key in a PEM text; raise UnfitPublicKey where it is none for that algorithm."""
    if len(pem) > MAX_PEM:
        raise UnfitPublicKey(f"must have at most {MAX_PEM:,} characters")
    if "PRIVATE KEY" in pem:
        raise UnfitPublicKey("is a private key, which nobody else should have: give its public key")
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise UnfitPublicKey("must be a public key in PEM") from None
    return _fit(algorithm, key)


def from_jwk(algorithm: Algorithm, jwk: Jwk) -> Key:
    """Return the public key of a JWK; raise UnfitPublicKey where it is none for that algorithm."""
    try:
        key = PyJWK(dict(jwk.members), algorithm.value).key
    except (PyJWTError, ValueError, KeyError, TypeError):
        raise UnfitPublicKey("is no public key") from None
    return _fit(algorithm, key)


def _fit(algorithm: Algorithm, key: object) -> Key:
    match algorithm, key:
        case Algorithm.RS256, RSAPublicKey():
            if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
                raise UnfitPublicKey(f"must have {MIN_RSA_BITS:,} to {MAX_RSA_BITS:,} bits")
            return key
        case Algorithm.ES256, EllipticCurvePublicKey(curve=SECP256R1()):
            return key
        case Algorithm.EDDSA, Ed25519PublicKey():
            return key
    kinds = {Algorithm.RS256: "an RSA key", Algorithm.ES256: "a P-256 key", Algorithm.EDDSA: "an Ed25519 key"}
    raise UnfitPublicKey(f"must be {kinds.get(algorithm, 'of another kind')}, as {algorithm} needs it")
