"""Tokens as they come in: read strictly, before anything else looks at them."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.access.domain.user_tokens.errors import Because, UserTokenRefused
from gateway.access.domain.user_tokens.strict_json import Malformed, json_object

MAX_BYTES = 4096
MAX_KID = 255
# Claims of a customer's own may hold objects and lists.
_DEPTH = 8

_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_HEADER = frozenset({"alg", "typ", "kid"})


@dataclass(frozen=True)
class Token:
    """
    A compact JWS (RFC 7515) of a JWT (RFC 7519) that nobody has verified yet.

    `algorithm` is what it says of itself, which decides nothing; `kid` None: it names no key.
    """

    text: str = field(repr=False)
    algorithm: str
    kid: str | None
    claims: Mapping[str, object] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Token":
        """
        Return the token in a text.

        The header may hold `alg`, `typ` (JWT) and `kid` and nothing else: not `jku`, `jwk`, `x5u` or `x5c`,
        which would let a token bring its own key, nor `crit` or `b64`, which change what is signed.

        Raises:
            UserTokenRefused: it is over 4 KiB, or not of this form.
        """
        # Before anything is read. No character is shorter than a byte.
        if len(text) > MAX_BYTES:
            raise UserTokenRefused(Because.TOO_LONG)
        parts = _PARTS.fullmatch(text)
        if parts is None:
            raise UserTokenRefused(Because.MALFORMED)
        try:
            header = json_object(_decoded(parts[1]), depth=_DEPTH)
            claims = json_object(_decoded(parts[2]), depth=_DEPTH)
            _decoded(parts[3])
        except Malformed:
            raise UserTokenRefused(Because.MALFORMED) from None
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
        if header.keys() - _HEADER or not isinstance(algorithm, str) or not _is_jwt(kind):
            raise UserTokenRefused(Because.HEADER)
        if "kid" in header and not (isinstance(kid, str) and 1 <= len(kid) <= MAX_KID):
            raise UserTokenRefused(Because.HEADER)
        return cls(text, algorithm, str(kid) if "kid" in header else None, claims)


def _is_jwt(kind: object) -> bool:
    return isinstance(kind, str) and kind.upper() == "JWT"


def _decoded(part: str) -> bytes:
    """Return the bytes of a base64url text, of which there is one form only."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise Malformed("is no base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise Malformed("is not the one form of its bytes")
    return raw
