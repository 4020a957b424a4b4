"""The check behind every request: who is it."""

import pytest

from gateway.access.domain.check import Asked
from gateway.access.domain.decision import Denied, Later, Needs, Passed, Refusal
from gateway.access.domain.demand import Audience, Demand
from gateway.access.domain.keys import key_format
from gateway.access.domain.keys.key_format import Environment, KeyKind, PresentedKey
from tests.unit.access.check_bench import (
    ACME,
    ANY_KEY,
    NOW,
    OPERATOR,
    QUERY,
    SHOP,
    TOKEN,
    Bench,
    bench,
)

__all__ = ["bench"]


def test_a_key_passes_as_its_workspace(bench: Bench) -> None:
    """A live key opens the live workspace with the key's scopes."""
    key, text = bench.key(scopes=("knowledge:read", "query"))
    passed = bench.ask_with(text)
    assert isinstance(passed, Passed)
    assert passed.key == key
    assert (key.workspace_id, key.scopes) == (ACME.id, ("query", "knowledge:read"))


def test_a_test_key_passes_as_the_twin(bench: Bench) -> None:
    """A test key opens the twin, never the live workspace."""
    _, text = bench.key(environment=Environment.TEST)
    passed = bench.ask_with(text)
    assert isinstance(passed, Passed)
    assert passed.key is not None
    assert passed.key.workspace_id == ACME.test_id


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_may_be_in_any_case(bench: Bench, scheme: str) -> None:
    """RFC 9110: schemes are case-insensitive, and one or more spaces follow."""
    _, text = bench.key()
    assert isinstance(bench.ask(QUERY, scheme + text), Passed)


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
        (f"Bearer {TOKEN}", Refusal.KEY_MALFORMED),
    ],
)
def test_other_headers_are_refused(bench: Bench, header: str, refusal: Refusal) -> None:
    """Exactly one bearer credential is taken; nothing else costs a look-up or a token."""
    _, text = bench.key()
    assert bench.ask(QUERY, header.format(key=text)) == Denied(refusal)
    assert bench.store.look_ups == 0
    assert bench.limits.accounts == []


def test_an_unknown_key_is_refused(bench: Bench) -> None:
    """A key of the right form that was never given out does not pass."""
    text = key_format.mint(Environment.LIVE).reveal()
    assert bench.ask_with(text) == Denied(Refusal.KEY_UNKNOWN)


def test_the_public_id_is_not_enough(bench: Bench) -> None:
    """Another secret under a known public id does not pass."""
    key, _ = bench.key()
    forged = PresentedKey(Environment.LIVE, key.public_id, key_format.mint(Environment.LIVE).secret)
    assert bench.ask_with(forged.reveal()) == Denied(Refusal.KEY_UNKNOWN)


@pytest.mark.parametrize(
    ("environment", "kind"),
    [(Environment.TEST, KeyKind.SECRET), (Environment.LIVE, KeyKind.PUBLISHABLE)],
)
def test_a_key_passes_as_no_other(bench: Bench, environment: Environment, kind: KeyKind) -> None:
    """Changing environment or kind in a key, checksum and all, makes it unknown."""
    _, text = bench.key()
    presented = key_format.parse(text)
    assert presented is not None
    forged = PresentedKey(environment, presented.public_id, presented.secret, kind)
    assert bench.ask_with(forged.reveal(), origin=SHOP) == Denied(Refusal.KEY_UNKNOWN)


def test_a_revoked_key_is_refused_within_five_seconds(bench: Bench) -> None:
    """A key that another process revoked is refused when 5 s are over."""
    key, text = bench.key()
    assert isinstance(bench.ask_with(text), Passed)
    bench.store.change(revoked := key.revoke(bench.clock.now()))
    bench.clock.advance(5)
    assert bench.ask_with(text) == Denied(Refusal.KEY_REVOKED, revoked)


def test_a_key_ends_at_its_end(bench: Bench) -> None:
    """The instant before its end a key passes, at its end it does not, however fresh what is remembered."""
    key, text = bench.key(lifetime=60)
    bench.clock.advance(59.999999)
    assert isinstance(bench.ask_with(text), Passed)
    bench.clock.advance(0.000001)
    assert bench.ask_with(text) == Denied(Refusal.KEY_EXPIRED, key)


def test_a_key_of_a_closed_workspace_is_refused(bench: Bench) -> None:
    """No key outlives its workspace."""
    key, text = bench.key(closed=True)
    assert bench.ask_with(text) == Denied(Refusal.WORKSPACE_CLOSED, key)


def test_any_key_passes_where_no_scope_is_asked(bench: Bench) -> None:
    """A route with an empty scope takes every valid key, and only those."""
    _, text = bench.key(scopes=("actions:run",))
    assert isinstance(bench.ask_with(text, ANY_KEY), Passed)
    assert bench.ask(ANY_KEY, "") == Denied(Refusal.CREDENTIAL_MISSING)


def test_known_keys_outlive_the_database_for_a_while(bench: Bench) -> None:
    """While the store is down, known keys pass for their cache time; unknown ones never do."""
    _, known = bench.key()
    _, unknown = bench.key()
    bench.ask_with(known)
    bench.store.down = True
    assert isinstance(bench.ask_with(known), Passed)
    assert bench.ask_with(unknown) == Denied(Refusal.STORE_UNAVAILABLE)
    bench.clock.advance(5)
    assert bench.ask_with(known) == Denied(Refusal.STORE_UNAVAILABLE)


def test_what_needs_no_io_is_decided_at_once(bench: Bench) -> None:
    """A new key waits for the store, a known one for the counters only where nothing is set aside."""
    _, text = bench.key()
    asked = Asked(QUERY, f"Bearer {text}")
    first = bench.check.at_once(asked)
    assert isinstance(first, Later)
    assert first.needs is Needs.STORE
    assert bench.store.look_ups == 0
    assert isinstance(first.finish(), Passed)
    assert isinstance(bench.check.at_once(asked), Passed)
    bench.limits.set_aside = False
    counted = bench.check.at_once(asked)
    assert isinstance(counted, Later)
    assert counted.needs is Needs.COUNTERS
    assert isinstance(counted.finish(), Passed)
    assert len(bench.limits.accounts) == 3
    assert bench.store.look_ups == 1


def test_the_operator_passes_without_a_workspace(bench: Bench) -> None:
    """The installation's token opens the operator's routes, as nobody's workspace and without limits."""
    assert bench.ask_with(TOKEN, OPERATOR) == Passed(operator=True)
    assert bench.limits.accounts == []


@pytest.mark.parametrize("token", ["", TOKEN[:-1], TOKEN + "t", "\N{SNOWMAN}"])
def test_a_wrong_operator_token_is_refused(bench: Bench, token: str) -> None:
    """Nothing but the whole token opens the operator's routes."""
    assert bench.ask_with(token, OPERATOR) == Denied(Refusal.OPERATOR_TOKEN_WRONG)


def test_a_key_is_no_operator_token(bench: Bench) -> None:
    """A key with all scopes does not open the operator's routes."""
    _, text = bench.key()
    assert bench.ask_with(text, OPERATOR) == Denied(Refusal.OPERATOR_TOKEN_WRONG)


def test_anyone_passes_where_nobody_is_asked(bench: Bench) -> None:
    """A route for anyone takes any header or none, and passes nobody's workspace on."""
    _, text = bench.key()
    for header in ("", "Basic x", f"Bearer {text}"):
        assert bench.ask(Demand(Audience.ANYONE), header) == Passed()


def test_a_route_without_a_rule_is_closed(bench: Bench) -> None:
    """Where a route does not say whom it is for, nobody passes, valid key or not."""
    _, text = bench.key()
    assert bench.ask(None, f"Bearer {text}") == Denied(Refusal.ROUTE_WITHOUT_RULE)


def test_uses_are_noted(bench: Bench) -> None:
    """A use of a valid key is noted, a refused one of another is not."""
    key, text = bench.key()
    revoked, revoked_text = bench.key()
    bench.store.change(revoked.revoke(NOW))
    bench.ask_with(text)
    bench.ask_with(revoked_text)
    assert bench.last_use.take(NOW) == {key.id: NOW}


def test_refusals_are_gathered_for_the_audit(bench: Bench) -> None:
    """They are counted by workspace, key and reason; of an unknown key only the reason is known."""
    key, text = bench.key(closed=True)
    for _ in range(2):
        bench.ask_with(text)
        bench.ask_with(key_format.mint(Environment.LIVE).reveal())
    bench.ask(QUERY, "")
    assert bench.refused() == {
        (ACME.id, key.id, "workspace_closed"): 2,
        ("", "", "key_unknown"): 2,
        ("", "", "credential_missing"): 1,
    }


def test_our_own_failures_are_nobodys_refusals(bench: Bench) -> None:
    """What is refused because the store is down, or the route has no rule, is not the caller's doing."""
    _, text = bench.key()
    bench.store.down = True
    assert bench.ask_with(text) == Denied(Refusal.STORE_UNAVAILABLE)
    bench.ask(None, "")
    assert bench.refused() == {}
