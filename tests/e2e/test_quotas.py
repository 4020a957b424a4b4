"""Monthly quotas, through the real gateway, the real check and the real ledger."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, assert_problem, until

QUERY = "/v1/query"
ORIGIN = "https://shop.example"


def test_questions_beyond_the_quota_are_refused(system: System) -> None:
    """The first so many are answered and the next is refused until the month ends; other routes go on."""
    workspace = system.workspace("quota-queries", queries=3)
    for _ in range(3):
        assert workspace.http.post(QUERY, json={"message": QUESTION}).status_code == 200
    refused = workspace.http.post(QUERY, json={"message": QUESTION})
    assert_problem(refused, 429, "QUOTA_EXCEEDED")
    left = _month_end() - datetime.now(UTC)
    assert abs(int(refused.headers["retry-after"]) - left.total_seconds()) < 10
    assert workspace.http.get("/v1/conversations").status_code == 200
    used = workspace.http.get("/v1/usage").json()["queries"]
    assert (used["used"], used["limit"]) == (3, 3)


def test_what_is_refused_takes_nothing_of_the_quota(system: System) -> None:
    """Whether the gateway refuses it or the service."""
    workspace = system.workspace("quota-refused", queries=2)

    def refused(body: dict[str, str]) -> bool:
        return workspace.http.post(QUERY, json=body).status_code == 400

    for _ in range(4):
        until(lambda: refused({"massage": QUESTION}), "the gateway's refusal")
        until(lambda: refused({"message": ""}), "the service's refusal")
    until(lambda: workspace.http.post(QUERY, json={"message": QUESTION}).status_code == 200, "an answer")
    assert workspace.http.get("/v1/usage").json()["queries"]["used"] == 1


def test_warning_from_four_fifths_on(system: System) -> None:
    """An answer warns once it has used up 80 %, with how much and until when."""
    workspace = system.workspace("quota-warning", queries=5)
    warnings = [
        workspace.http.post(QUERY, json={"message": QUESTION}).headers.get("quota-warning", "")
        for _ in range(6)
    ]
    assert warnings[:3] == ["", "", ""]
    reset = f"{_month_end():%Y-%m-%dT%H:%M:%SZ}"
    assert warnings[3] == f"queries;used=4;limit=5;reset={reset}"
    assert warnings[4:] == [f"queries;used=5;limit=5;reset={reset}"] * 2
    # At once, and also on what is no question.
    assert workspace.http.get("/v1/usage").headers["quota-warning"] == warnings[-1]


def test_channel_is_told_by_the_key(system: System) -> None:
    """The widget's questions and the API's are one count, shown apart, whatever label they carry."""
    workspace = system.workspace("quota-channels", queries=3)
    widget = system.publishable_key_for("quota-channels", ORIGIN)
    assert workspace.http.post(QUERY, json={"message": QUESTION, "channel": "widget"}).status_code == 200
    assert workspace.http.post(f"{QUERY}/stream", json={"message": QUESTION}).status_code == 200
    assert widget.http.post(QUERY, json={"message": QUESTION, "channel": "api"}).status_code == 200
    assert_problem(workspace.http.post(QUERY, json={"message": QUESTION}), 429, "QUOTA_EXCEEDED")
    assert_problem(widget.http.post(QUERY, json={"message": QUESTION}), 429, "QUOTA_EXCEEDED")
    used = workspace.http.get("/v1/usage").json()["queries"]
    assert used == {"used": 3, "limit": 3, "by_channel": {"api": 2, "widget": 1, "batch": 0}}


def test_repeated_request_counts_once(system: System) -> None:
    """The first answer again, for its idempotency key, is no second question."""
    workspace = system.workspace("quota-repeated")
    headers = {"idempotency-key": "once"}
    answers = [workspace.http.post(QUERY, json={"message": QUESTION}, headers=headers) for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert workspace.http.get("/v1/usage").json()["queries"]["used"] == 1


def test_twin_has_counts_of_its_own(system: System) -> None:
    """What a test key asks does not use up the live workspace's quota."""
    live = system.workspace("quota-twin", queries=1)
    test = system.key_for("quota-twin", options=["--environment", "test"])
    assert test.http.post(QUERY, json={"message": QUESTION}).status_code == 200
    assert_problem(test.http.post(QUERY, json={"message": QUESTION}), 429, "QUOTA_EXCEEDED")
    assert live.http.get("/v1/usage").json()["queries"]["used"] == 0
    assert live.http.post(QUERY, json={"message": QUESTION}).status_code == 200


def test_full_knowledge_base_refuses_documents(system: System) -> None:
    """Beyond the quota of documents a write is refused, a change of what is there is not; reads warn."""
    workspace = system.workspace("quota-documents", documents=3)
    made = [workspace.http.post("/v1/knowledge/documents", json=_page(number)) for number in range(4)]
    assert [answer.status_code for answer in made] == [202, 202, 202, 429]
    assert_problem(made[3], 429, "QUOTA_EXCEEDED")
    path = f"/v1/knowledge/documents/{made[0].json()['id']}"
    assert workspace.http.patch(path, json={"title": "Another title"}).status_code == 200
    until(lambda: _stock(workspace.http)["documents"] == {"used": 3, "limit": 3}, "the stock to be told")

    def warned() -> bool:
        warning = workspace.http.get("/v1/usage").headers.get("quota-warning", "")
        return re.match(r"documents;used=3;limit=3;reset=", warning) is not None

    until(warned, "the warning about documents")
    assert workspace.http.delete(path).status_code == 202
    until(
        lambda: workspace.http.post("/v1/knowledge/documents", json=_page(9)).status_code == 202,
        "room for another document",
    )


def test_full_knowledge_base_refuses_bytes(system: System) -> None:
    """Beyond the quota of bytes a write is refused."""
    workspace = system.workspace("quota-bytes", bytes=1000)
    page = {"title": "Long", "content": "Jam keeps for a year in a dark cupboard. " * 20}
    assert workspace.http.post("/v1/knowledge/documents", json=page).status_code == 202
    assert_problem(workspace.http.post("/v1/knowledge/documents", json=page), 429, "QUOTA_EXCEEDED")
    until(lambda: 800 <= _stock(workspace.http)["bytes"]["used"] <= 1000, "the stock to be told")
    assert _stock(workspace.http)["bytes"]["limit"] == 1000


def test_starter_has_no_api_access(system: System) -> None:
    """A secret key of the plan is refused with a reason that says so; the widget's key works."""
    secret = system.workspace("quota-starter", plan="starter")
    refused = assert_problem(secret.http.get("/v1/usage"), 403, "PLAN_WITHOUT_API_ACCESS")
    assert "starter" in refused["detail"]
    widget = system.publishable_key_for("quota-starter", ORIGIN)
    answer = widget.http.post(QUERY, json={"message": QUESTION})
    assert answer.status_code == 200
    system.cli("workspaces", "update", "quota-starter", "--plan", "growth")
    until(lambda: secret.http.get("/v1/usage").status_code == 200, "the better plan", seconds=5)


def _page(number: int) -> dict[str, str]:
    return {"title": f"Page {number}", "content": f"Shelf {number} holds jar {number}.\n"}


def _stock(http: httpx.Client) -> dict[str, Any]:
    stock: dict[str, Any] = http.get("/v1/usage").json()["knowledge"]
    return stock


def _month_end() -> datetime:
    first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
