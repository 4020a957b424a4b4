"""
The form of an API key: `sk_` or `pk_`, `live_` or `test_`, a public id, a secret, a checksum.

The checksum costs a microsecond and no look-up, so that typing errors, cut-off keys and the noise of scanners
end there. It is no secret: who knows the form can compute it.
"""

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.access.domain.keys import base62

PUBLIC_ID_LENGTH = 8
# 62^27 is more than 2^160.
SECRET_LENGTH = 27
# 62^6 is more than 2^32, the range of a CRC-32.
CHECKSUM_LENGTH = 6


class Environment(StrEnum):
    """Which of the twins a key opens."""

    LIVE = "live"
    TEST = "test"


class KeyKind(StrEnum):
    """Who may see a key: its owner's servers alone (`sk_`), or everybody who reads a page (`pk_`)."""

    SECRET = "secret"
    PUBLISHABLE = "publishable"


_LETTERS = {KeyKind.SECRET: "sk", KeyKind.PUBLISHABLE: "pk"}
_KINDS = {letters: kind for kind, letters in _LETTERS.items()}

_FORM = re.compile(
    f"((sk|pk)_(live|test)_([0-9A-Za-z]{{{PUBLIC_ID_LENGTH}}})([0-9A-Za-z]{{{SECRET_LENGTH}}}))"
    f"([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True)
class PresentedKey:
    """A key of the right form with the right checksum; whether it was ever given out is another matter."""

    environment: Environment
    public_id: str
    secret: str = field(repr=False)
    kind: KeyKind = KeyKind.SECRET

    @property
    def prefix(self) -> str:
        """The first characters, which people recognise the key by; no part of the secret."""
        return prefix(self.kind, self.environment, self.public_id)

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


def mint(environment: Environment, kind: KeyKind = KeyKind.SECRET) -> PresentedKey:
    """Return a key that nobody has."""
    public_id, secret = base62.random_text(PUBLIC_ID_LENGTH), base62.random_text(SECRET_LENGTH)
    return PresentedKey(environment, public_id, secret, kind)


def prefix(kind: KeyKind, environment: Environment, public_id: str) -> str:
    """Return the first characters of a key, up to its secret."""
    return f"{_LETTERS[kind]}_{environment}_{public_id}"


def parse(text: str) -> PresentedKey | None:
    """Return the key in a text, None where the form or the checksum is wrong."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    body, letters, environment, public_id, secret, checksum = match.groups()
    if checksum != _checksum(body):
        return None
    return PresentedKey(Environment(environment), public_id, secret, _KINDS[letters])


def _checksum(body: str) -> str:
    return base62.encode(zlib.crc32(body.encode()), CHECKSUM_LENGTH)
