"""The check behind every request."""

import pytest

from gateway.access.domain import key_format
from gateway.access.domain.check import Audience, Check, Demand, Denied, Passed, Refusal
from gateway.access.domain.key_format import Environment, PresentedKey
from gateway.access.domain.known_keys import KnownKeys
from gateway.access.domain.last_use import LastUse
from tests.fakes.access import FakeKeys
from tests.fakes.clock import FakeClock
from tests.unit.access.given import ACME, NOW, a_key

_TOKEN = "t" * 43
_QUERY = Demand(Audience.API_KEY, "query")
_ANY_KEY = Demand(Audience.API_KEY)
_OPERATOR = Demand(Audience.OPERATOR)


class Bench:
    """A check with its surroundings."""

    def __init__(self) -> None:
        self.keys = FakeKeys()
        self.clock = FakeClock(NOW)
        self.last_use = LastUse()
        self.known_keys = KnownKeys(self.keys, monotonic=lambda: self.clock.now().timestamp())
        self.check = Check(self.known_keys, _TOKEN, self.clock, self.last_use)


@pytest.fixture
def bench() -> Bench:
    """Return a fresh check without keys."""
    return Bench()


def test_a_key_passes_as_its_workspace(bench: Bench) -> None:
    """A live key opens the live workspace with the key's scopes."""
    key, text = a_key(bench.keys, scopes=("knowledge:read", "query"))
    passed = bench.check(_QUERY, f"Bearer {text}")
    assert passed == Passed(ACME.id, key.id, ("query", "knowledge:read"), "live")


def test_a_test_key_passes_as_the_twin(bench: Bench) -> None:
    """A test key opens the twin, never the live workspace."""
    key, text = a_key(bench.keys, environment="test")
    assert bench.check(_QUERY, f"Bearer {text}") == Passed(ACME.test_id, key.id, ("query",), "test")


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_may_be_in_any_case(bench: Bench, scheme: str) -> None:
    """RFC 9110: schemes are case-insensitive, and one or more spaces follow."""
    _, text = a_key(bench.keys)
    assert isinstance(bench.check(_QUERY, scheme + text), Passed)


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        ("", Refusal.CREDENTIAL_MISSING),
        ("{key}", Refusal.NOT_BEARER),
        ("Basic {key}", Refusal.NOT_BEARER),
        ("Bearer", Refusal.KEY_MALFORMED),
        ("Bearer ", Refusal.KEY_MALFORMED),
        ("Bearer {key} {key}", Refusal.KEY_MALFORMED),
        ("Bearer\t{key}", Refusal.NOT_BEARER),
        ("Bearer {key},Bearer {key}", Refusal.CREDENTIAL_REPEATED),
        ("Bearer {key},", Refusal.CREDENTIAL_REPEATED),
        ("Bearer \N{LATIN SMALL LETTER E WITH ACUTE}", Refusal.KEY_MALFORMED),
        (f"Bearer {_TOKEN}", Refusal.KEY_MALFORMED),
    ],
)
def test_other_headers_are_refused(bench: Bench, header: str, refusal: Refusal) -> None:
    """Exactly one bearer credential is taken; nothing else costs a look-up."""
    _, text = a_key(bench.keys)
    assert bench.check(_QUERY, header.format(key=text)) == Denied(refusal)
    assert bench.keys.look_ups == 0


def test_an_unknown_key_is_refused(bench: Bench) -> None:
    """A key of the right form that was never given out does not pass."""
    text = key_format.mint(Environment.LIVE).reveal()
    assert bench.check(_QUERY, f"Bearer {text}") == Denied(Refusal.KEY_UNKNOWN)


def test_the_public_id_is_not_enough(bench: Bench) -> None:
    """Another secret under a known public id does not pass."""
    key, _ = a_key(bench.keys)
    forged = PresentedKey(Environment.LIVE, key.public_id, key_format.mint(Environment.LIVE).secret)
    assert bench.check(_QUERY, f"Bearer {forged.reveal()}") == Denied(Refusal.KEY_UNKNOWN)


def test_a_test_key_does_not_pass_as_a_live_one(bench: Bench) -> None:
    """Changing the environment in a key, checksum and all, makes it unknown."""
    _, text = a_key(bench.keys, environment="test")
    presented = key_format.parse(text)
    assert presented is not None
    forged = PresentedKey(Environment.LIVE, presented.public_id, presented.secret)
    assert bench.check(_QUERY, f"Bearer {forged.reveal()}") == Denied(Refusal.KEY_UNKNOWN)


def test_a_revoked_key_is_refused_within_five_seconds(bench: Bench) -> None:
    """A key that another process revoked is refused when 5 s are over."""
    key, text = a_key(bench.keys)
    assert isinstance(bench.check(_QUERY, f"Bearer {text}"), Passed)
    bench.keys.revoke(key.id, bench.clock.now())
    bench.clock.advance(5)
    assert bench.check(_QUERY, f"Bearer {text}") == Denied(Refusal.KEY_REVOKED, key.id)


def test_a_key_ends_at_its_end(bench: Bench) -> None:
    """The instant before its end a key passes, at its end it does not, however fresh what is remembered."""
    key, text = a_key(bench.keys, lifetime=60)
    bench.clock.advance(59.999999)
    assert isinstance(bench.check(_QUERY, f"Bearer {text}"), Passed)
    bench.clock.advance(0.000001)
    assert bench.check(_QUERY, f"Bearer {text}") == Denied(Refusal.KEY_EXPIRED, key.id)


def test_a_missing_scope_is_named(bench: Bench) -> None:
    """A key without the route's scope does not pass, and the refusal says which it lacks."""
    key, text = a_key(bench.keys, scopes=("knowledge:read",))
    denied = bench.check(Demand(Audience.API_KEY, "knowledge:write"), f"Bearer {text}")
    assert denied == Denied(Refusal.SCOPE_MISSING, key.id, "knowledge:write")


def test_any_key_passes_where_no_scope_is_asked(bench: Bench) -> None:
    """A route with an empty scope takes every valid key, and only those."""
    _, text = a_key(bench.keys, scopes=("actions:run",))
    assert isinstance(bench.check(_ANY_KEY, f"Bearer {text}"), Passed)
    assert bench.check(_ANY_KEY, "") == Denied(Refusal.CREDENTIAL_MISSING)


def test_known_keys_outlive_the_database_for_a_while(bench: Bench) -> None:
    """While the store is down, known keys pass for their cache time; unknown ones never do."""
    _, known = a_key(bench.keys)
    _, unknown = a_key(bench.keys)
    bench.check(_QUERY, f"Bearer {known}")
    bench.keys.down = True
    assert isinstance(bench.check(_QUERY, f"Bearer {known}"), Passed)
    assert bench.check(_QUERY, f"Bearer {unknown}") == Denied(Refusal.STORE_UNAVAILABLE)
    bench.clock.advance(5)
    assert bench.check(_QUERY, f"Bearer {known}") == Denied(Refusal.STORE_UNAVAILABLE)


def test_the_operator_passes_without_a_workspace(bench: Bench) -> None:
    """The installation's token opens the operator's routes, as nobody's workspace."""
    assert bench.check(_OPERATOR, f"Bearer {_TOKEN}") == Passed(key_id="operator")


@pytest.mark.parametrize("token", ["", _TOKEN[:-1], _TOKEN + "t", "\N{SNOWMAN}"])
def test_a_wrong_operator_token_is_refused(bench: Bench, token: str) -> None:
    """Nothing but the whole token opens the operator's routes."""
    assert bench.check(_OPERATOR, f"Bearer {token}") == Denied(Refusal.OPERATOR_TOKEN_WRONG)


def test_a_key_is_no_operator_token(bench: Bench) -> None:
    """A key with all scopes does not open the operator's routes."""
    _, text = a_key(bench.keys)
    assert bench.check(_OPERATOR, f"Bearer {text}") == Denied(Refusal.OPERATOR_TOKEN_WRONG)


def test_anyone_passes_where_nobody_is_asked(bench: Bench) -> None:
    """A route for anyone takes any header or none, and passes nobody's workspace on."""
    _, text = a_key(bench.keys)
    for header in ("", "Basic x", f"Bearer {text}"):
        assert bench.check(Demand(Audience.ANYONE), header) == Passed()


@pytest.mark.parametrize(
    "route", [{}, {"scope": "query"}, {"audience": ""}, {"audience": "all"}, {"audience": "api_key"}]
)
def test_a_route_that_leaves_its_demand_open_is_closed(bench: Bench, route: dict[str, str]) -> None:
    """Where a route does not say whom it is for, nobody passes, valid key or not."""
    _, text = a_key(bench.keys)
    assert bench.check(Demand.of(route), f"Bearer {text}") == Denied(Refusal.ROUTE_WITHOUT_RULE)


def test_demands_are_read_from_the_route() -> None:
    """The route's words become the demand."""
    assert Demand.of({"audience": "api_key", "scope": "query", "route": "Query"}) == _QUERY
    assert Demand.of({"audience": "api_key", "scope": ""}) == _ANY_KEY
    assert Demand.of({"audience": "operator"}) == _OPERATOR


def test_uses_are_noted(bench: Bench) -> None:
    """A use of a valid key is noted, a refused one of another is not."""
    key, text = a_key(bench.keys)
    revoked, revoked_text = a_key(bench.keys)
    bench.keys.revoke(revoked.id, NOW)
    bench.check(_QUERY, f"Bearer {text}")
    bench.check(_QUERY, f"Bearer {revoked_text}")
    assert bench.last_use.take(NOW) == {key.id: NOW}
