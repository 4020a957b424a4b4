"""What verifies signatures, as the domain sees it."""

from dataclasses import dataclass, field
from typing import Protocol

from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.key_set import Jwk


@dataclass(frozen=True)
class SharedSecret:
    """The secret of HS256, in base64url as it was given out."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class PublicKey:
    """A public key in PEM."""

    pem: str


VerifyingKey = SharedSecret | PublicKey | Jwk


class Signatures(Protocol):
    """Verifies signatures. Safe to share between threads."""

    def verifies(self, algorithm: Algorithm, key: VerifyingKey, token: str) -> bool:
        """
        Whether a compact JWS was signed with that key and that algorithm, whatever its header says.

        A key that is none, is another algorithm's or is too short verifies nothing. Never raises.
        """
        ...


class PublicKeys(Protocol):
    """Reads public keys. Safe to share between threads."""

    def canonical(self, algorithm: Algorithm, pem: str) -> str:
        """
        Return a public key as PEM of one form (SubjectPublicKeyInfo, RFC 5280).

        Raises:
            UnfitPublicKey: it is none of that algorithm, is too short (RSA below 2,048 bits), or is private.
        """
        ...
