"""What questions cost, as `GET /v1/usage` tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.asking import QUERY, STREAM, ask
from tests.e2e.system import System, Workspace, assert_problem, indexed, until


@pytest.fixture(scope="module")
def meter(system: System) -> Workspace:
    """A workspace whose questions are counted here."""
    return system.workspace("meter")


def usage(workspace: Workspace) -> dict[str, Any]:
    """The month, as a key of the workspace reads it."""
    answer = workspace.http.get("/v1/usage")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_month_without_use(system: System) -> None:
    """Every field is there; the limits are the plan's, the month is that of UTC."""
    now = datetime.now(UTC)
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start.replace(year=now.year + now.month // 12, month=now.month % 12 + 1)
    told = usage(system.workspace("meter-unused"))
    assert told == {
        "plan": "scale",
        "period": {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end:%Y-%m-%dT%H:%M:%SZ}"},
        "queries": {"used": 0, "limit": 100_000, "by_channel": {"api": 0, "widget": 0, "batch": 0}},
        "knowledge": {
            "documents": {"used": 0, "limit": 50_000},
            "bytes": {"used": 0, "limit": 5_000_000_000},
        },
        "actions": {"used": 0, "limit": 10_000},
        "rate_limits": {"requests_per_minute": 3_000},
    }
    # Whole numbers are written as such.
    assert isinstance(told["knowledge"]["bytes"]["limit"], int)


def test_answers_are_counted_at_once(meter: Workspace) -> None:
    """Who has an answer finds it counted, a withheld and a streamed one too; a search is none."""
    before = usage(meter)["queries"]["used"]
    for number in range(1, 4):
        ask(meter)
        assert usage(meter)["queries"]["used"] == before + number
    ask(meter, min_confidence=1)
    ask(meter, path=STREAM)
    meter.http.post("/v1/search", json={"message": "renewal"})
    queries = usage(meter)["queries"]
    assert queries["used"] == queries["by_channel"]["api"] == before + 5


def test_what_was_refused_is_not_counted(meter: Workspace) -> None:
    """Whoever refused it: the gateway for its body, query for a conversation that there is not."""
    before = usage(meter)["queries"]["used"]
    refused = meter.http.post(QUERY, json={"message": "Hello", "colour": "red"})
    assert_problem(refused, 400, "INVALID_ARGUMENT")
    refused = meter.http.post(QUERY, json={"message": "Hello", "max_sources": 99})
    assert_problem(refused, 400, "INVALID_ARGUMENT")
    for path in (QUERY, STREAM):
        refused = meter.http.post(path, json={"message": "Hello", "conversation_id": "conv_nobodys"})
        assert_problem(refused, 404, "CONVERSATION_NOT_FOUND")
    assert usage(meter)["queries"]["used"] == before


def test_a_publishable_key_reads_no_usage(system: System, meter: Workspace) -> None:
    """It stands in a page's source: what a workspace uses is not for everybody."""
    widget = system.publishable_key_for(meter.name, "https://shop.example")
    assert_problem(widget.http.get("/v1/usage"), 403, "PUBLISHABLE_KEY_REFUSED")


def test_a_twin_is_counted_by_itself(system: System, meter: Workspace) -> None:
    """What is asked with a test key costs the live workspace nothing."""
    twin = system.key_for(meter.name, options=("--environment", "test"))
    before = usage(meter)["queries"]["used"]
    ask(twin)
    assert usage(twin)["queries"]["used"] == 1
    assert usage(meter)["queries"]["used"] == before


def test_the_knowledge_base_is_what_it_holds(meter: Workspace) -> None:
    """Documents and bytes follow what is written and deleted."""
    page = {"title": "Renewal", "content": "# Renewal\n\nYes.", "content_type": "text/markdown"}
    document = indexed(meter.http, meter.http.post("/v1/knowledge/documents", json=page).json())
    held = {"documents": 1, "bytes": document["bytes"]}

    def told() -> dict[str, int]:
        return {name: amount["used"] for name, amount in usage(meter)["knowledge"].items()}

    until(lambda: told() == held, "the stock to be reported")
    meter.http.delete(f"/v1/knowledge/documents/{document['id']}")
    until(lambda: told() == {"documents": 0, "bytes": 0}, "the stock to be reported")


def test_any_key_may_read_it(system: System, meter: Workspace) -> None:
    """Whatever its scopes."""
    reader = system.key_for(meter.name, "conversations:read")
    assert usage(reader)["plan"] == "scale"
