"""What comes of a check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from gateway.access.domain.keys.key import Key
from gateway.access.domain.metering import Level
from gateway.access.domain.quota import NearlyUsed


class Refusal(StrEnum):
    """Why a request may not pass, for log, metrics and audit; many have one text for the caller."""

    ROUTE_WITHOUT_RULE = "route_without_rule"
    CREDENTIAL_MISSING = "credential_missing"
    CREDENTIAL_REPEATED = "credential_repeated"
    NOT_BEARER = "not_bearer"
    OPERATOR_TOKEN_WRONG = "operator_token_wrong"
    KEY_MALFORMED = "key_malformed"
    KEY_UNKNOWN = "key_unknown"
    KEY_REVOKED = "key_revoked"
    KEY_EXPIRED = "key_expired"
    WORKSPACE_CLOSED = "workspace_closed"
    PUBLISHABLE_KEY_REFUSED = "publishable_key_refused"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    PLAN_WITHOUT_API_ACCESS = "plan_without_api_access"
    SCOPE_MISSING = "scope_missing"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    STORE_UNAVAILABLE = "store_unavailable"
    OVERLOADED = "overloaded"


# These are about the installation, not about a caller.
OURS = frozenset({Refusal.ROUTE_WITHOUT_RULE, Refusal.STORE_UNAVAILABLE, Refusal.OVERLOADED})


@dataclass(frozen=True)
class Standing:
    """Where a key stands after a request: what every answer to it tells, be it passed or refused."""

    levels: Sequence[Level]
    nearly_used: Sequence[NearlyUsed] = ()
    # Of a publishable key's request: whether it depends on the origin, and the origin where that is allowed.
    by_origin: bool = False
    origin: str = ""


@dataclass(frozen=True)
class Denied:
    """The request may not pass."""

    refusal: Refusal
    # The one that asked, where it is known.
    key: Key | None = None
    # None: the key is not in force, or nobody asked who it is.
    standing: Standing | None = None
    # What the text of the problem names: a scope, a plan, an origin, a limit.
    about: str = ""
    # Seconds after which the same request is let through, where waiting helps.
    retry_after: float | None = None


@dataclass(frozen=True)
class Passed:
    """The request may pass, as this key's; without a key it is the operator's, or nobody's."""

    key: Key | None = None
    operator: bool = False
    standing: Standing | None = None


class Needs(Enum):
    """What a check has to wait for."""

    STORE = "store"
    COUNTERS = "counters"


@dataclass(frozen=True)
class Later:
    """The check can't be decided without I/O: `finish` decides it, on a thread that may wait."""

    needs: Needs
    finish: Callable[[], Passed | Denied]
