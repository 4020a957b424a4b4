"""The check behind every request: who is it, may they, and are they within their limits."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import methodcaller

from gateway.access.domain.accounts import account_of, account_of_refused
from gateway.access.domain.decision import OURS, Denied, Later, Needs, Passed, Refusal, Standing
from gateway.access.domain.demand import Audience, Demand
from gateway.access.domain.keys import key_format
from gateway.access.domain.keys.key import Key
from gateway.access.domain.keys.key_format import KeyKind, PresentedKey
from gateway.access.domain.keys.known_key import KnownKey
from gateway.access.domain.keys.known_keys import KnownKeys
from gateway.access.domain.keys.last_use import LastUse
from gateway.access.domain.metering import Account, Admitted, Bucket, Exceeded, Limits
from gateway.access.domain.quota import nearly_used
from gateway.access.domain.refusals import Refusals
from services.kernel.clock import Clock
from services.kernel.errors import Unavailable

_Admit = Callable[[Account], Admitted | Exceeded | None]

# Whose requests a limit counts together, by the policy's name.
_OF = {"key": "with this key", "workspace": "of the workspace", "address": "from one address"}


@dataclass(frozen=True)
class Asked:
    """
    What the check is told of a request.

    `demand`: of its route. The others are the request's headers, empty where it has none; `authorization` of
    several headers is their values joined by commas. `address`: of the client, as the gateway saw it.
    """

    demand: Demand | None
    authorization: str = ""
    origin: str = ""
    address: str = ""


class Check:
    """Decides on one request after another; safe to use from many threads."""

    def __init__(
        self,
        keys: KnownKeys,
        limits: Limits,
        operator_token: str,
        clock: Clock,
        last_use: LastUse,
        refusals: Refusals,
    ) -> None:
        self._keys = keys
        self._limits = limits
        self._operator_token = operator_token.encode()
        self._clock = clock
        self._last_use = last_use
        self._refusals = refusals

    def __call__(self, asked: Asked) -> Passed | Denied:
        """Decide, waiting for what has to be waited for."""
        decision = self.at_once(asked)
        return decision.finish() if isinstance(decision, Later) else decision

    def at_once(self, asked: Asked) -> Passed | Denied | Later:
        """
        Decide on what this process knows and has set aside, without I/O.

        The store's failure is a refusal too: nobody passes because it is down.
        """
        presented = self._presented(asked)
        if not isinstance(presented, PresentedKey):
            return self._ended(asked, presented)
        known = self._keys.at_hand(presented.public_id)
        if known is None:
            return Later(Needs.STORE, lambda: self._look_up(asked, presented))
        decision = self._decide(asked, presented, known, self._limits.admit_at_once)
        if decision is None:
            decide = partial(self._decide_for_good, asked, presented, known)
            return Later(Needs.COUNTERS, decide)
        return self._ended(asked, decision)

    def _presented(self, asked: Asked) -> PresentedKey | Passed | Denied:
        """Return the key that was presented, or the decision where it takes none."""
        demand = asked.demand
        if demand is None:
            return Denied(Refusal.ROUTE_WITHOUT_RULE)
        if demand.audience is Audience.ANYONE:
            return Passed()
        credential = _bearer(asked.authorization)
        if isinstance(credential, Denied):
            return credential
        if demand.audience is Audience.OPERATOR:
            if hmac.compare_digest(credential.encode(), self._operator_token):
                return Passed(operator=True)
            return Denied(Refusal.OPERATOR_TOKEN_WRONG)
        return key_format.parse(credential) or Denied(Refusal.KEY_MALFORMED)

    def _look_up(self, asked: Asked, presented: PresentedKey) -> Passed | Denied:
        try:
            known = self._keys.find(presented.public_id)
        except Unavailable:
            return Denied(Refusal.STORE_UNAVAILABLE)
        if known is None:
            return self._ended(asked, Denied(Refusal.KEY_UNKNOWN))
        return self._decide_for_good(asked, presented, known)

    def _decide_for_good(self, asked: Asked, presented: PresentedKey, known: KnownKey) -> Passed | Denied:
        decision = self._decide(asked, presented, known, self._limits.admit)
        assert decision is not None
        return self._ended(asked, decision)

    def _decide(
        self, asked: Asked, presented: PresentedKey, known: KnownKey, admit: _Admit
    ) -> Passed | Denied | None:
        """Decide on a request with a known key; None where `admit` can't say."""
        key, demand = known.key, asked.demand
        assert demand is not None
        if not key.opened_by(presented):
            return Denied(Refusal.KEY_UNKNOWN)
        now = self._clock.now()
        if (refusal := _out_of_force(known, now)) is not None:
            return Denied(refusal, key)
        self._last_use.record(key.id, now)
        to_nobody = demand.audience is Audience.NOBODY
        forbidden = None if to_nobody else _forbidden(known, demand, asked.origin)
        if forbidden is None and not to_nobody:
            account = account_of(known, demand.meter, asked.address)
        else:
            account = account_of_refused(known, asked.address)
        admitted = admit(account)
        if admitted is None:
            return None
        standing = _standing(known, admitted, asked.origin, now)
        if standing.nearly_used and admitted.queries_used is not None:
            # What is no question is warned, too, before the ledger knows.
            self._keys.renew_used(key.workspace_id, methodcaller("with_queries", admitted.queries_used))
        # Being over a limit comes first: whoever is refused takes tokens, too.
        if isinstance(admitted, Exceeded):
            return _exceeded(key, account, admitted, standing)
        if forbidden is not None:
            refusal, about = forbidden
            return Denied(refusal, key, standing, about)
        return Passed(key, standing=standing)

    def _ended(self, asked: Asked, decision: Passed | Denied) -> Passed | Denied:
        if not isinstance(decision, Denied):
            return decision
        if asked.demand and asked.demand.audience is Audience.NOBODY and decision.standing is None:
            # What is not there is not there for anybody.
            return Passed()
        if decision.refusal not in OURS:
            key = decision.key
            self._refusals.record(
                key.workspace_id if key else "",
                key.id if key else "",
                decision.refusal.value,
                self._clock.now(),
            )
        return decision


def _bearer(authorization: str) -> str | Denied:
    """Return the credential of an Authorization header (RFC 9110: the scheme in any case)."""
    if not authorization:
        return Denied(Refusal.CREDENTIAL_MISSING)
    # Neither keys nor tokens hold commas; several headers of a name are joined with them.
    if "," in authorization:
        return Denied(Refusal.CREDENTIAL_REPEATED)
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return Denied(Refusal.NOT_BEARER)
    return credential.strip(" ")


def _out_of_force(known: KnownKey, now: datetime) -> Refusal | None:
    if known.key.revoked_at is not None:
        return Refusal.KEY_REVOKED
    if known.key.is_expired(now):
        return Refusal.KEY_EXPIRED
    if known.workspace_closed:
        return Refusal.WORKSPACE_CLOSED
    return None


def _forbidden(known: KnownKey, demand: Demand, origin: str) -> tuple[Refusal, str] | None:
    """Return why a key in force may not call the route, and what the refusal names; None: it may."""
    key = known.key
    if key.kind is KeyKind.PUBLISHABLE:
        # Its scopes are the routes that are made for it.
        if not demand.publishable:
            return Refusal.PUBLISHABLE_KEY_REFUSED, ""
        return None if origin in key.origins else (Refusal.ORIGIN_NOT_ALLOWED, "")
    if not known.allowance.api_access:
        return Refusal.PLAN_WITHOUT_API_ACCESS, known.allowance.plan
    if demand.scope and demand.scope not in key.scopes:
        return Refusal.SCOPE_MISSING, demand.scope
    return None


def _standing(known: KnownKey, after: Admitted | Exceeded, origin: str, now: datetime) -> Standing:
    key = known.key
    publishable = key.kind is KeyKind.PUBLISHABLE
    return Standing(
        after.levels,
        nearly_used(known.used, after.queries_used, known.allowance, now),
        publishable,
        origin if publishable and origin in key.origins else "",
    )


def _exceeded(key: Key, account: Account, exceeded: Exceeded, standing: Standing) -> Denied:
    bucket: Bucket | None = exceeded.bucket
    if bucket is not None:
        about = f"requests a minute {_OF[bucket.policy]} ({bucket.limit})"
        return Denied(Refusal.RATE_LIMITED, key, standing, about, exceeded.retry_after)
    assert account.queries is not None
    return Denied(Refusal.QUOTA_EXCEEDED, key, standing, str(account.queries), exceeded.retry_after)
