"""What the gateway's benchmark makes of its measurements."""

import pytest

from tests.bench.gateway import summarised, table
from tests.bench.gateway_stack import without
from tests.bench.load import Load


def a_load(qps: int, p50_ms: float = 1.0) -> Load:
    """Return a run of a second without errors."""
    return Load(requests=qps, errors=0, seconds=1.0, p50_ms=p50_ms, p99_ms=2 * p50_ms, cpu=0.1)


@pytest.fixture
def singles() -> dict[str, list[Load]]:
    """Three rounds of one client; the check adds 0.5, 0.25 and 0.75 ms."""
    return {
        "direct": [a_load(10, 0.25)] * 3,
        "unchecked": [a_load(10, 1.0), a_load(10, 2.0), a_load(10, 1.0)],
        "checked": [a_load(10, 1.5), a_load(10, 2.25), a_load(10, 1.75)],
        "native": [a_load(10, 1.0)] * 3,
    }


@pytest.fixture
def crowds() -> dict[str, list[Load]]:
    """Three rounds of many clients on a machine that is slow in the second."""
    return {
        "direct": [a_load(1000), a_load(500), a_load(1000)],
        "unchecked": [a_load(400), a_load(200), a_load(500)],
        "checked": [a_load(300), a_load(150), a_load(250)],
        "native": [a_load(500), a_load(250), a_load(500)],
    }


def test_each_round_is_held_against_itself(
    singles: dict[str, list[Load]], crowds: dict[str, list[Load]]
) -> None:
    """Ratios and differences are medians of the rounds' own, not of medians."""
    assert summarised(singles, crowds) == {
        "checked_to_unchecked": 0.75,
        "check_adds_ms": 0.5,
        "unchecked_to_direct": 0.4,
        "checked_to_direct": 0.3,
        "native_to_direct": 0.5,
    }


def test_the_goals_stand_beside_what_was_reached(
    singles: dict[str, list[Load]], crowds: dict[str, list[Load]]
) -> None:
    """The table has a row for each way, and below it what was promised."""
    exact = {"answered_per_second": 900.0, "passed": 50.0, "allowed": 50.5, "calls_per_request": 0.5}
    exact |= {"p99_ms": 20.0, "p99_ms_while_valkey_hangs": 61.0}
    text = table(singles, crowds, summarised(singles, crowds), exact)
    assert "| Envoy with the whole check | 1.75 | 3.50 | 250 | 2.0 | 0.30 |" in text
    assert "0.75 (goal: at least 0.70)" in text
    assert "adds 0.50 ms to p50 (goal: at most 0.8)" in text


def test_filters_are_left_out_everywhere() -> None:
    """A filter that is left out is gone from the chain and from what routes say of it; the rest stays."""
    route = {"typed_per_filter_config": {"ext_authz": {"disabled": True}, "other": {}}}
    manager = {
        "http_filters": [{"name": "ext_authz"}, {"name": "router"}],
        "route_config": {"virtual_hosts": [{"routes": [route, {}]}]},
    }
    filters = [{"typed_config": manager}]
    shipped = {"static_resources": {"listeners": [{"filter_chains": [{"filters": filters}]}]}}
    changed = without(shipped, "ext_authz")
    found = changed["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    assert found["http_filters"] == [{"name": "router"}]
    assert found["route_config"]["virtual_hosts"][0]["routes"] == [
        {"typed_per_filter_config": {"other": {}}},
        {},
    ]
    assert manager["http_filters"] == [{"name": "ext_authz"}, {"name": "router"}]
