"""A customer's back end that signs tokens, and an attacker who can put anything into one."""

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_ALGORITHMS = get_default_algorithms()


@cache
def private_key(algorithm: str, bits: int = 2048) -> PrivateKey:
    """Return a private key, the same for the same arguments."""
    match algorithm:
        case "RS256":
            return rsa.generate_private_key(65537, bits)
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ES384":
            return ec.generate_private_key(ec.SECP384R1())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def public_pem(key: PrivateKey) -> str:
    """Return the public half in PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_jwk(algorithm: str, key: PrivateKey, **members: Any) -> dict[str, Any]:
    """Return the public half as a JWK."""
    jwk = json.loads(_ALGORITHMS[algorithm].to_jwk(key.public_key()))
    return {**{name: value for name, value in jwk.items() if name != "key_ops"}, **members}


def signed(algorithm: str, key: PrivateKey | bytes) -> Callable[[bytes], bytes]:
    """Return what signs with a key."""
    used = _ALGORITHMS[algorithm]
    return lambda text: used.sign(text, key)


def token(
    header: Mapping[str, Any] | str, claims: Mapping[str, Any] | str, sign: Callable[[bytes], bytes]
) -> str:
    """Return a token of a header and claims, given as they are or as the text of their JSON."""
    parts = [_part(header), _part(claims)]
    return ".".join([*parts, base64url(sign(".".join(parts).encode()))])


def base64url(raw: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _part(content: Mapping[str, Any] | str) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return base64url(text.encode("utf-8", "surrogatepass"))
