"""End users: people whom a customer's own back end has signed for."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.access.domain.user_tokens.errors import Because, UserTokenRefused

MAX_SUBJECT = 255
MAX_EMAIL = 320
MAX_LIFETIME = timedelta(hours=1)
LEEWAY = timedelta(seconds=30)


@dataclass(frozen=True)
class EndUser:
    """
    Who a token speaks for: `subject` is unique together with `issuer`.

    Texts are empty where the token has none; `email_verified` is true only where it says so.
    """

    issuer: str
    subject: str
    issued_at: datetime
    expires_at: datetime
    email: str = ""
    email_verified: bool = False
    stripe_customer_id: str = ""
    shopify_customer_id: str = ""

    @classmethod
    def of(cls, claims: Mapping[str, object], issuer: str, audience: str, now: datetime) -> "EndUser":
        """
        Return who the claims (RFC 7519) of a token speak for, whose signature was verified.

        `iss`, `sub`, `aud`, `iat` and `exp` are required; `aud` is one string, never a list; a token lives an
        hour at most, and clocks may differ by 30 seconds.

        Raises:
            UserTokenRefused: a claim is missing or does not hold.
        """
        if claims.get("iss") != issuer:
            raise UserTokenRefused(Because.ISSUER)
        if claims.get("aud") != audience:
            raise UserTokenRefused(Because.AUDIENCE)
        issued_at, expires_at = _times(claims, now.timestamp())
        return cls(
            issuer=issuer,
            subject=_subject(claims.get("sub")),
            issued_at=datetime.fromtimestamp(issued_at, UTC),
            expires_at=datetime.fromtimestamp(expires_at, UTC),
            email=_optional(claims, "email", MAX_EMAIL),
            email_verified=claims.get("email_verified") is True,
            stripe_customer_id=_optional(claims, "stripe_customer_id", MAX_SUBJECT),
            shopify_customer_id=_optional(claims, "shopify_customer_id", MAX_SUBJECT),
        )


def is_name(value: object, longest: int) -> bool:
    """Whether a value is a text of 1 to `longest` characters that every store and every log can hold."""
    return (
        isinstance(value, str)
        and 1 <= len(value) <= longest
        # Control characters, and halves of surrogate pairs.
        and not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
    )


def _times(claims: Mapping[str, object], now: float) -> tuple[float, float]:
    """Return when a token was issued and when it ends, both near `now`."""
    issued_at, expires_at = _instant(claims.get("iat")), _instant(claims.get("exp"))
    leeway = LEEWAY.total_seconds()
    if now >= expires_at + leeway:
        raise UserTokenRefused(Because.EXPIRED)
    starts_at = max(issued_at, _instant(claims["nbf"])) if "nbf" in claims else issued_at
    if starts_at > now + leeway:
        raise UserTokenRefused(Because.NOT_YET_VALID)
    if not 0 < expires_at - issued_at <= MAX_LIFETIME.total_seconds():
        raise UserTokenRefused(Because.LIFETIME)
    return issued_at, expires_at


def _instant(value: object) -> float:
    # True is a whole number to Python; a whole number can be too large for a float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise UserTokenRefused(Because.TIMES)
    return float(value)


def _subject(value: object) -> str:
    if not isinstance(value, str) or not is_name(value, MAX_SUBJECT):
        raise UserTokenRefused(Because.SUBJECT)
    return value


def _optional(claims: Mapping[str, object], name: str, longest: int) -> str:
    value = claims.get(name, "")
    if value in ("", None):
        return ""
    if not isinstance(value, str) or not is_name(value, longest):
        raise UserTokenRefused(Because.CLAIM)
    return value
