"""Limits by the minute, through the real gateway, the real check and the real counters."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, assert_problem, client

USAGE = "/v1/usage"
ORIGIN = "https://shop.example"


def test_exactly_the_limit_passes(system: System) -> None:
    """Of many requests at once as many pass as the limit says, the others are told when to come again."""
    limit = 5
    workspace = system.workspace("limit-exact", requests_per_minute=limit)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: workspace.http.get(USAGE), range(4 * limit)))
    assert sorted(answer.status_code for answer in answers) == [200] * limit + [429] * 3 * limit
    for answer in answers:
        if answer.status_code == 429:
            assert_problem(answer, 429, "RATE_LIMITED")
            assert 1 <= int(answer.headers["retry-after"]) <= 60 / limit
            assert answer.headers["x-ratelimit-remaining"] == "0"


def test_retry_after_is_true(system: System) -> None:
    """A request that waits as long as it was told is let through, and the next one has to wait again."""
    workspace = system.workspace("limit-wait", requests_per_minute=12)
    for _ in range(2):
        refused = _until_refused(workspace.http)
        time.sleep(int(refused.headers["retry-after"]))
        assert workspace.http.get(USAGE).status_code == 200


def test_every_answer_tells_the_limits(system: System) -> None:
    """What is left shows on good answers, on refusals and on errors of every kind; it counts down."""
    workspace = system.workspace("limit-headers", "query", requests_per_minute=60)
    http = workspace.http
    answers = [
        (200, http.get(USAGE)),
        (200, http.post("/v1/search", json={"message": QUESTION})),
        (200, http.post("/v1/query/stream", json={"message": QUESTION})),
        (400, http.post("/v1/query", content=b'{"message": 1', headers={"content-type": "application/json"})),
        (400, http.post("/v1/query", json={"message": ""})),
        (403, http.get("/v1/knowledge/documents")),
        (404, http.post("/v1/query", json={"message": "?", "conversation_id": "conv_" + 26 * "0"})),
        (404, http.get("/v1/nothing")),
        (405, http.put("/v1/query")),
        (415, http.post("/v1/query", content=b"hello", headers={"content-type": "text/plain"})),
    ]
    left = 60
    for status, answer in answers:
        assert answer.status_code == status, answer.text
        assert answer.headers["ratelimit-policy"] == '"workspace";q=60;w=60'
        told = re.fullmatch(r'"workspace";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
        assert told is not None
        assert answer.headers["x-ratelimit-limit"] == "60"
        assert answer.headers["x-ratelimit-remaining"] == told[1]
        assert answer.headers["x-ratelimit-reset"] == told[2]
        assert int(told[1]) < left or int(told[1]) == left == 59
        left = int(told[1])


def test_limit_of_a_key(system: System) -> None:
    """A key's own limit is its alone, and both limits are told."""
    workspace = system.workspace("limit-key")
    narrow = system.key_for("limit-key", options=["--requests-per-minute", "2"])
    statuses = [narrow.http.get(USAGE).status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    answer = narrow.http.get(USAGE)
    assert answer.headers["x-ratelimit-limit"] == "2"
    assert set(answer.headers["ratelimit-policy"].split(", ")) == {
        '"key";q=2;w=60',
        '"workspace";q=3000;w=60',
    }
    assert workspace.http.get(USAGE).status_code == 200


def test_limits_of_workspaces_are_apart(system: System) -> None:
    """Neither another workspace nor the test twin is slowed by one that is over its limit."""
    workspace = system.workspace("limit-apart", requests_per_minute=2)
    other = system.workspace("limit-other", requests_per_minute=2)
    twin = system.key_for("limit-apart", options=["--environment", "test"])
    _until_refused(workspace.http)
    assert other.http.get(USAGE).status_code == 200
    assert twin.http.get(USAGE).status_code == 200


def test_new_limit_holds_within_five_seconds(system: System) -> None:
    """A limit that is raised lets a refused key through soon, without a new key."""
    workspace = system.workspace("limit-raised", requests_per_minute=1)
    _until_refused(workspace.http)
    system.limit("limit-raised", requests_per_minute=600)
    raised = time.monotonic()
    while workspace.http.get(USAGE).status_code != 200:
        assert time.monotonic() - raised < 5
        time.sleep(0.1)


def test_writes_are_never_refused_for_their_rate(system: System) -> None:
    """Documents beyond the write rate are taken; another limit does not count them."""
    workspace = system.workspace("limit-writes", requests_per_minute=5, knowledge_writes_per_minute=2)
    for number in range(8):
        page = {"title": f"Page {number}", "content": f"Shelf {number} holds jar {number}.\n"}
        answer = workspace.http.post("/v1/knowledge/documents", json=page)
        assert answer.status_code == 202, answer.text
        assert answer.headers["ratelimit-policy"] == '"knowledge-writes";q=2;w=60'
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert workspace.http.get(USAGE).headers["x-ratelimit-remaining"] == "4"


def test_publishable_key_is_limited_by_address(system: System) -> None:
    """Visitors of one address use up their own limit, whatever address they claim to have."""
    system.workspace("limit-address", address_requests_per_minute=3)
    widget = system.publishable_key_for("limit-address", ORIGIN)
    statuses = [
        widget.http.post(
            "/v1/query", json={"message": "?"}, headers={"x-forwarded-for": f"192.0.2.{number}"}
        ).status_code
        for number in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]


def test_refused_requests_take_a_token(system: System) -> None:
    """Asking for what a key may not have is no way around its limit."""
    workspace = system.workspace("limit-refused", "query", requests_per_minute=3)
    answers = [workspace.http.get("/v1/knowledge/documents") for _ in range(4)]
    for answer in answers[:3]:
        assert_problem(answer, 403, "SCOPE_MISSING")
    assert_problem(answers[3], 429, "RATE_LIMITED")


def test_strangers_see_no_limits(system: System) -> None:
    """Without a good key there is no workspace whose limits could be told."""
    answer = client(system.url, "sk_live_" + 44 * "A").get(USAGE)
    assert_problem(answer, 401, "UNAUTHENTICATED")
    assert not [name for name in answer.headers if "ratelimit" in name.lower()]


def _until_refused(http: httpx.Client) -> httpx.Response:
    for _ in range(100):
        answer = http.get(USAGE)
        if answer.status_code == 429:
            return answer
    raise AssertionError("nothing was refused")
