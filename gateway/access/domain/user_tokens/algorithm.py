"""The algorithms that tokens can be signed with."""

from enum import StrEnum


class Algorithm(StrEnum):
    """JWS algorithms (RFC 7518, RFC 8037): one with a shared secret, three with a public key."""

    HS256 = "HS256"
    RS256 = "RS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"

    @property
    def has_public_key(self) -> bool:
        """Whether who verifies can't sign."""
        return self is not Algorithm.HS256
