"""The check behind every request: who is it, and may they."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.access.domain import key_format
from gateway.access.domain.key import Key
from gateway.access.domain.last_use import LastUse
from gateway.access.domain.ports import KeyLookup
from services.kernel.clock import Clock
from services.kernel.errors import Unavailable

OPERATOR_KEY_ID = "operator"


class Audience(StrEnum):
    """Whom a route is for."""

    API_KEY = "api_key"
    OPERATOR = "operator"
    ANYONE = "anyone"


@dataclass(frozen=True)
class Demand:
    """What a route demands of those who call it."""

    audience: Audience
    # Empty: any valid key.
    scope: str = ""

    @classmethod
    def of(cls, route: Mapping[str, str]) -> "Demand | None":
        """
        Return the demand that a route's own words state, None where they leave it open.

        Nothing is assumed: a route for keys has to say `scope`, be it empty.
        """
        audience, scope = route.get("audience"), route.get("scope")
        if audience not in set(Audience) or (scope is None and audience == Audience.API_KEY):
            return None
        return cls(Audience(audience), scope or "")


class Refusal(StrEnum):
    """Why a request may not pass: for the log and the metrics, most of them the same text to the caller."""

    ROUTE_WITHOUT_RULE = "route_without_rule"
    CREDENTIAL_MISSING = "credential_missing"
    CREDENTIAL_REPEATED = "credential_repeated"
    NOT_BEARER = "not_bearer"
    KEY_MALFORMED = "key_malformed"
    KEY_UNKNOWN = "key_unknown"
    KEY_REVOKED = "key_revoked"
    KEY_EXPIRED = "key_expired"
    SCOPE_MISSING = "scope_missing"
    OPERATOR_TOKEN_WRONG = "operator_token_wrong"
    STORE_UNAVAILABLE = "store_unavailable"


@dataclass(frozen=True)
class Denied:
    """The request may not pass."""

    refusal: Refusal
    # Of the key that asked, where one is known; empty otherwise.
    key_id: str = ""
    # The one that is missing; with SCOPE_MISSING only.
    scope: str = ""


@dataclass(frozen=True)
class Passed:
    """The request may pass, as this caller; empty texts where the route asks for no key."""

    workspace_id: str = ""
    key_id: str = ""
    scopes: tuple[str, ...] = ()
    environment: str = ""


class Check:
    """Decides on one request after another; safe to use from many threads."""

    def __init__(self, keys: KeyLookup, operator_token: str, clock: Clock, last_use: LastUse) -> None:
        self._keys = keys
        self._operator_token = operator_token.encode()
        self._clock = clock
        self._last_use = last_use

    def __call__(self, demand: Demand | None, authorization: str) -> Passed | Denied:
        """
        Decide on a request to a route with `demand`.

        `authorization` is the value of the header of that name, several values joined by commas, empty where
        there is none. The store's failure is a refusal too: nobody passes because it is down.
        """
        if demand is None:
            return Denied(Refusal.ROUTE_WITHOUT_RULE)
        if demand.audience is Audience.ANYONE:
            return Passed()
        credential = _bearer(authorization)
        if isinstance(credential, Denied):
            return credential
        if demand.audience is Audience.OPERATOR:
            return self._operator(credential)
        return self._api_key(credential, demand.scope)

    def _operator(self, token: str) -> Passed | Denied:
        if hmac.compare_digest(token.encode(), self._operator_token):
            return Passed(key_id=OPERATOR_KEY_ID)
        return Denied(Refusal.OPERATOR_TOKEN_WRONG)

    def _api_key(self, text: str, scope: str) -> Passed | Denied:
        presented = key_format.parse(text)
        if presented is None:
            return Denied(Refusal.KEY_MALFORMED)
        try:
            key = self._keys.find(presented.public_id)
        except Unavailable:
            return Denied(Refusal.STORE_UNAVAILABLE)
        # The environment is no part of the secret: unless compared, `sk_test_…` passes as `sk_live_…`.
        if (
            key is None
            or key.environment is not presented.environment
            or not presented.opens(key.secret_hash)
        ):
            return Denied(Refusal.KEY_UNKNOWN)
        return self._of_key(key, scope)

    def _of_key(self, key: Key, scope: str) -> Passed | Denied:
        now = self._clock.now()
        if key.revoked_at is not None:
            return Denied(Refusal.KEY_REVOKED, key.id)
        if key.is_expired(now):
            return Denied(Refusal.KEY_EXPIRED, key.id)
        self._last_use.record(key.id, now)
        if scope and scope not in key.scopes:
            return Denied(Refusal.SCOPE_MISSING, key.id, scope)
        return Passed(key.workspace_id, key.id, key.scopes, key.environment)


def _bearer(authorization: str) -> str | Denied:
    """Return the credential of an Authorization header (RFC 9110: the scheme in any case)."""
    if not authorization:
        return Denied(Refusal.CREDENTIAL_MISSING)
    # Neither keys nor tokens hold commas; Envoy joins several headers of a name with them.
    if "," in authorization:
        return Denied(Refusal.CREDENTIAL_REPEATED)
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return Denied(Refusal.NOT_BEARER)
    return credential.strip(" ")
