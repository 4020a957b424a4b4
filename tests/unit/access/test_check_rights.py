"""The check behind every request: what may a key do, and from where."""

import pytest

from gateway.access.domain.decision import Denied, Passed, Refusal
from gateway.access.domain.demand import Audience, Demand
from tests.unit.access.check_bench import ACME, QUERY, SEARCH, SHOP, STARTER, WRITE, Bench, bench

__all__ = ["bench"]


def test_a_missing_scope_is_named(bench: Bench) -> None:
    """A key without the route's scope does not pass, and the refusal says which it lacks."""
    key, text = bench.key(scopes=("knowledge:read",))
    denied = bench.ask_with(text, WRITE)
    assert isinstance(denied, Denied)
    assert (denied.refusal, denied.key, denied.about) == (Refusal.SCOPE_MISSING, key, "knowledge:write")


def test_a_publishable_key_passes_from_its_origin(bench: Bench) -> None:
    """It needs no scope where the route is made for it, and the answer is for that origin."""
    key, text = bench.key(origins=("https://other.example", SHOP))
    passed = bench.ask_with(text, origin=SHOP)
    assert isinstance(passed, Passed)
    assert passed.key == key
    assert passed.standing is not None
    assert (passed.standing.by_origin, passed.standing.origin) == (True, SHOP)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "https://shop.example.evil",
        "http://shop.example",
        "https://shop.example:444",
        SHOP + "/",
        SHOP.upper(),
        f"{SHOP},{SHOP}",
        " " + SHOP,
    ],
)
def test_a_publishable_key_passes_from_no_other_origin(bench: Bench, origin: str) -> None:
    """The header has to be there and to be one of the key's origins, character by character."""
    _, text = bench.key(origins=(SHOP,))
    denied = bench.ask_with(text, origin=origin)
    assert isinstance(denied, Denied)
    assert denied.refusal is Refusal.ORIGIN_NOT_ALLOWED
    assert denied.standing is not None
    assert (denied.standing.by_origin, denied.standing.origin) == (True, "")


@pytest.mark.parametrize("demand", [SEARCH, WRITE, Demand(Audience.API_KEY)])
def test_a_publishable_key_calls_only_what_is_made_for_it(bench: Bench, demand: Demand) -> None:
    """On any other route it is refused; a page from its origin may read why."""
    _, text = bench.key(origins=(SHOP,))
    denied = bench.ask_with(text, demand, origin=SHOP)
    assert isinstance(denied, Denied)
    assert denied.refusal is Refusal.PUBLISHABLE_KEY_REFUSED
    assert denied.standing is not None
    assert denied.standing.origin == SHOP


def test_a_secret_key_has_no_origin(bench: Bench) -> None:
    """With a secret key the origin is not looked at, and no page may read the answer."""
    _, text = bench.key()
    passed = bench.ask_with(text, origin=SHOP)
    assert isinstance(passed, Passed)
    assert passed.standing is not None
    assert (passed.standing.by_origin, passed.standing.origin) == (False, "")


def test_a_plan_without_api_access_refuses_secret_keys(bench: Bench) -> None:
    """The refusal names the plan; publishable keys work on every plan."""
    key, text = bench.key(allowance=STARTER)
    denied = bench.ask_with(text)
    assert isinstance(denied, Denied)
    assert (denied.refusal, denied.about) == (Refusal.PLAN_WITHOUT_API_ACCESS, "starter")
    _, publishable = bench.key(allowance=STARTER, origins=(SHOP,))
    assert isinstance(bench.ask_with(publishable, origin=SHOP), Passed)
    assert bench.refused() == {(ACME.id, key.id, "plan_without_api_access"): 1}


def test_the_plan_comes_before_the_scope(bench: Bench) -> None:
    """Where a plan has no API access, another scope would not help."""
    _, text = bench.key(allowance=STARTER, scopes=("actions:run",))
    denied = bench.ask_with(text, QUERY)
    assert isinstance(denied, Denied)
    assert denied.refusal is Refusal.PLAN_WITHOUT_API_ACCESS
