"""
The form of an API key: `sk_live_` or `sk_test_`, a public id, a secret, a checksum.

The checksum costs a microsecond and no look-up, so that typing errors, cut-off keys and the noise of scanners
end there. It is no secret: who knows the form can compute it.
"""

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.access.domain import base62

PUBLIC_ID_LENGTH = 8
# 62^27 is more than 2^160.
SECRET_LENGTH = 27
# 62^6 is more than 2^32, the range of a CRC-32.
CHECKSUM_LENGTH = 6


class Environment(StrEnum):
    """Which of the twins a key opens."""

    LIVE = "live"
    TEST = "test"


_FORM = re.compile(
    f"(sk_(live|test)_([0-9A-Za-z]{{{PUBLIC_ID_LENGTH}}})([0-9A-Za-z]{{{SECRET_LENGTH}}}))"
    f"([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True)
class PresentedKey:
    """A key of the right form with the right checksum; whether it was ever given out is another matter."""

    environment: Environment
    public_id: str
    secret: str = field(repr=False)

    @property
    def prefix(self) -> str:
        """The first characters, which people recognise the key by; no part of the secret."""
        return f"sk_{self.environment}_{self.public_id}"

    @property
    def secret_hash(self) -> bytes:
        """
        SHA-256 of the secret, 32 bytes: all that is stored of it.

        160 random bits can't be guessed, however fast the hash is; a slow one would only slow the check down.
        """
        return hashlib.sha256(self.secret.encode()).digest()

    def opens(self, secret_hash: bytes) -> bool:
        """Whether the secret is the one of that hash; takes as long for a near miss as for a far one."""
        return hmac.compare_digest(self.secret_hash, secret_hash)

    def reveal(self) -> str:
        """Return the whole key."""
        body = self.prefix + self.secret
        return body + _checksum(body)


def mint(environment: Environment) -> PresentedKey:
    """Return a key that nobody has."""
    return PresentedKey(environment, base62.random_text(PUBLIC_ID_LENGTH), base62.random_text(SECRET_LENGTH))


def parse(text: str) -> PresentedKey | None:
    """Return the key in a text, None where the form or the checksum is wrong."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    body, environment, public_id, secret, checksum = match.groups()
    if checksum != _checksum(body):
        return None
    return PresentedKey(Environment(environment), public_id, secret)


def _checksum(body: str) -> str:
    return base62.encode(zlib.crc32(body.encode()), CHECKSUM_LENGTH)
