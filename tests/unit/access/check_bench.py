"""The check with its surroundings, for its tests."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.access.domain.check import Asked, Check
from gateway.access.domain.decision import Denied, Passed
from gateway.access.domain.demand import Audience, Demand
from gateway.access.domain.keys.key import Key
from gateway.access.domain.keys.key_format import Environment, KeyKind
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.keys.known_key import KnownKey, Used
from gateway.access.domain.keys.known_keys import KnownKeys
from gateway.access.domain.keys.last_use import LastUse
from gateway.access.domain.metering import Meter
from gateway.access.domain.refusals import Refusals
from gateway.access.domain.workspaces.allowance import Allowance
from gateway.access.domain.workspaces.workspace import Workspace
from tests.fakes.clock import FakeClock
from tests.fakes.key_lookup import FakeKeyLookup
from tests.fakes.limits import FakeLimits

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
ACME = Workspace.create("acme", "", NOW)
TOKEN = "t" * 43
SHOP = "https://shop.example"

QUERY = Demand(Audience.API_KEY, "query", publishable=True, meter=Meter.QUERY)
SEARCH = Demand(Audience.API_KEY, "query")
WRITE = Demand(Audience.API_KEY, "knowledge:write", meter=Meter.KNOWLEDGE_WRITE)
ANY_KEY = Demand(Audience.API_KEY)
OPERATOR = Demand(Audience.OPERATOR)
NOBODY = Demand(Audience.NOBODY)

GROWTH = Allowance(
    plan="growth",
    api_access=True,
    requests_per_minute=600,
    widget_requests_per_minute=500,
    address_requests_per_minute=60,
    knowledge_writes_per_minute=300,
    queries=10_000,
    documents=5_000,
    bytes=500_000_000,
    action_runs=1_000,
)
STARTER = replace(GROWTH, plan="starter", api_access=False, requests_per_minute=0)
NOTHING = Used()


class Bench:
    """A check with its surroundings."""

    def __init__(self) -> None:
        self.store = FakeKeyLookup()
        self.limits = FakeLimits()
        self.clock = FakeClock(NOW)
        self.last_use = LastUse()
        self.refusals = Refusals()
        self.keys = KnownKeys(self.store, monotonic=lambda: self.clock.now().timestamp())
        self.check = Check(self.keys, self.limits, TOKEN, self.clock, self.last_use, self.refusals)

    def key(
        self,
        *,
        environment: Environment = Environment.LIVE,
        scopes: tuple[str, ...] = ("query",),
        lifetime: int = 0,
        origins: tuple[str, ...] = (),
        requests_per_minute: int = 0,
        allowance: Allowance = GROWTH,
        used: Used = NOTHING,
        closed: bool = False,
    ) -> tuple[Key, str]:
        """Keep a key of acme, a publishable one if it has origins; return it and its whole text."""
        wish = KeyWish(
            "acme",
            scopes=() if origins else scopes,
            environment=environment,
            expires_in_seconds=lifetime,
            kind=KeyKind.PUBLISHABLE if origins else KeyKind.SECRET,
            origins=origins,
            requests_per_minute=requests_per_minute,
        )
        key, presented = wish.grant(ACME, NOW)
        self.store.add(KnownKey(key, allowance, used, closed))
        return key, presented.reveal()

    def ask(
        self, demand: Demand | None, authorization: str, *, origin: str = "", address: str = "192.0.2.1"
    ) -> Passed | Denied:
        """Decide on a request with that header."""
        return self.check(Asked(demand, authorization, origin, address))

    def ask_with(
        self, text: str, demand: Demand = QUERY, *, origin: str = "", address: str = "192.0.2.1"
    ) -> Passed | Denied:
        """Decide on a request with that key."""
        return self.ask(demand, f"Bearer {text}", origin=origin, address=address)

    def refused(self) -> dict[tuple[str, str, str], int]:
        """Return how many refusals were gathered for the audit, by workspace, key and reason."""
        entries = self.refusals.take(self.clock.now(), all_of_them=True)
        return {(each.workspace_id, each.key_id, each.reason): each.count for each in entries}


@pytest.fixture
def bench() -> Bench:
    """Return a fresh check without keys."""
    return Bench()
