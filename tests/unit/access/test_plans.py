"""The plans' file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gateway.access.domain.workspaces.plans
from gateway.access.domain.workspaces.plans import PLANS, Plans, PlansError

_SHIPPED = Path(gateway.access.domain.workspaces.plans.__file__).with_name("plans.json")
_MB, _GB = 10**6, 10**9


@pytest.mark.parametrize(
    ("plan", "api_access", "requests", "queries", "documents", "size", "runs"),
    [
        ("starter", False, 0, 500, 100, 10 * _MB, 100),
        ("growth", True, 600, 10_000, 5_000, 500 * _MB, 1_000),
        ("scale", True, 3_000, 100_000, 50_000, 5 * _GB, 10_000),
        ("enterprise", True, 60_000, 10_000_000, 1_000_000, 100 * _GB, 1_000_000),
    ],
)
def test_the_shipped_plans_are_the_references(
    plan: str, api_access: bool, requests: int, queries: int, documents: int, size: int, runs: int
) -> None:
    """The figures of the public reference."""
    allowance = Plans.shipped().allowance(plan)
    assert (allowance.plan, allowance.api_access) == (plan, api_access)
    assert allowance.requests_per_minute == requests
    assert allowance.widget_requests_per_minute == (requests or 60)
    assert (allowance.queries, allowance.documents) == (queries, documents)
    assert (allowance.bytes, allowance.action_runs) == (size, runs)


def _wrong(change: Callable[[dict[str, Any]], object]) -> str:
    table = json.loads(_SHIPPED.read_text())
    change(table)
    return json.dumps(table)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "can't be read"),
        ("[]", "must be an object of plans"),
        ('{"growth": {}, "growth": {}}', "growth is there more than once"),
        (_wrong(lambda table: table.pop("scale")), "scale is missing"),
        (_wrong(lambda table: table.update(gold={})), "gold is no plan"),
        (_wrong(lambda table: table.update(scale=[])), "scale must be an object of limits"),
        (_wrong(lambda table: table["scale"].pop("queries")), "scale.queries is missing"),
        (_wrong(lambda table: table["scale"].update(users=1)), "scale.users is no limit"),
        (_wrong(lambda table: table["scale"].update(queries=0)), "scale.queries must be a whole number"),
        (_wrong(lambda table: table["scale"].update(queries=-1)), "scale.queries must be a whole number"),
        (_wrong(lambda table: table["scale"].update(queries=1.5)), "scale.queries must be a whole number"),
        (_wrong(lambda table: table["scale"].update(queries=True)), "scale.queries must be a whole number"),
        (_wrong(lambda table: table["scale"].update(queries="1")), "scale.queries must be a whole number"),
        (_wrong(lambda table: table["scale"].update(queries=None)), "scale.queries must be a whole number"),
        (_wrong(lambda table: table["scale"].update(api_access=1)), "scale.api_access must be true or false"),
        (
            _wrong(lambda table: table["scale"].update(requests_per_minute=0)),
            "scale.requests_per_minute must be a whole number",
        ),
        (
            _wrong(lambda table: table["starter"].update(requests_per_minute=1)),
            "starter.requests_per_minute must be 0 without api_access",
        ),
    ],
)
def test_a_wrong_file_stops_the_process(tmp_path: Path, text: str, said: str) -> None:
    """Each broken rule is named with its plan and limit."""
    path = tmp_path / "plans.json"
    path.write_text(text)
    with pytest.raises(PlansError, match=said) as raised:
        Plans.read(path)
    assert "plans.json" in str(raised.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """A file with several faults is mended in one go."""
    path = tmp_path / "plans.json"
    path.write_text(json.dumps({plan: {} for plan in PLANS}))
    with pytest.raises(PlansError) as raised:
        Plans.read(path)
    assert str(raised.value).count("is missing") == 4 * 9
