"""The check behind every request: what access is told, and what becomes of its answers."""

import httpx
import pytest

from services.kernel.errors import ErrorKind
from tests.fakes.fake_check import (
    CREDENTIAL,
    KEY,
    LIMITED_KEY,
    LIMITS,
    READ_ONLY_KEY,
    CheckAnswer,
    passed,
)
from tests.gateway.conftest import Gateway
from tests.gateway.problem_body import assert_problem
from tests.gateway.test_upstream_errors import fail

# What Envoy's client adds of its own.
BY_ENVOY = {
    "host",
    "content-length",
    "x-envoy-internal",
    "x-envoy-expected-rq-timeout-ms",
    "x-forwarded-for",
}
ROUTES = [
    ("POST", "/v1/query", {"message": "hi"}),
    ("PATCH", "/v1/knowledge/documents/doc_1", {"title": "New"}),
    ("PUT", "/v1/knowledge/documents/by-external-id/a", {"title": "New"}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_no_key(stranger: httpx.Client, method: str, path: str, body: dict[str, str]) -> None:
    """Without a key the answer is access' own, unwrapped."""
    response = stranger.request(method, path, json=body)
    assert assert_problem(response, 401, "UNAUTHENTICATED")["detail"] == "Access says no."
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_missing_scope(stranger: httpx.Client, method: str, path: str, body: dict[str, str]) -> None:
    """A key without the route's scope is refused before anything else is looked at."""
    headers = {"authorization": f"Bearer {READ_ONLY_KEY}"}
    assert_problem(stranger.request(method, path, json=body, headers=headers), 403, "SCOPE_MISSING")
    assert_problem(stranger.request(method, path, content=b"{", headers=headers), 403, "SCOPE_MISSING")


def test_rate_limited_by_access(stranger: httpx.Client) -> None:
    """A 429 of access keeps its Retry-After."""
    response = stranger.post("/v1/query", json={}, headers={"authorization": f"Bearer {LIMITED_KEY}"})
    assert_problem(response, 429, "RATE_LIMITED")
    assert response.headers["retry-after"] == "7"


def test_what_access_is_told(client: httpx.Client, gateway: Gateway) -> None:
    """Access learns the route's rule and the headers that it needs, and no others."""
    client.post("/v1/query", json={"message": "hi"}, headers={"cookie": "a=b"})
    asked = gateway.check.last
    assert asked.rule == ["api_key", "query", "true", "query", "supportagent.query.v1.QueryService/Query"]
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["x-request-id"]
    assert asked.headers["x-internal-credential"] == CREDENTIAL
    assert asked.headers["x-client-address"] == "127.0.0.1"
    own = {"authorization", "x-request-id", "x-internal-credential", "x-client-address", "x-route-rule"}
    assert set(asked.headers) - own <= BY_ENVOY


@pytest.mark.parametrize(
    ("method", "path", "body", "rule"),
    [
        ("POST", "/v1/search", {"message": "a"}, ["query", "false", "request"]),
        ("GET", "/v1/knowledge/documents", None, ["knowledge:read", "false", "request"]),
        ("DELETE", "/v1/knowledge/documents/doc_1", None, ["knowledge:write", "false", "knowledge_write"]),
        ("POST", "/v1/query/stream", {"message": "a"}, ["query", "true", "query"]),
        ("GET", "/v1/usage", None, ["", "false", "request"]),
    ],
)
def test_rules(
    client: httpx.Client,
    gateway: Gateway,
    method: str,
    path: str,
    body: dict[str, str] | None,
    rule: list[str],
) -> None:
    """Each route's scope, openness to publishable keys and meter reach access as the proto states them."""
    client.request(method, path, json=body)
    assert gateway.check.last.rule[1:4] == rule


def test_access_learns_no_path(client: httpx.Client, gateway: Gateway) -> None:
    """What stands in the path or the query string, such as a key in the wrong place, stays with Envoy."""
    client.get(f"/v1/knowledge/documents/{KEY}", params={"key": KEY})
    assert (gateway.check.last.method, gateway.check.last.path) == ("GET", "/")


def test_several_authorization_headers(stranger: httpx.Client, gateway: Gateway) -> None:
    """Access sees that there were several, joined by a comma, and never the first or last one alone."""
    several = [("authorization", f"Bearer {KEY}"), ("authorization", "Bearer other")]
    assert_problem(stranger.get("/v1/knowledge/documents", headers=several), 401, "UNAUTHENTICATED")
    assert gateway.check.last.headers["authorization"] == f"Bearer {KEY},Bearer other"


def test_what_the_service_is_told(client: httpx.Client, gateway: Gateway) -> None:
    """The service gets the caller from access and the gateway's credential, and never the key."""
    response = client.post("/v1/query", json={"message": "hi"})
    metadata = gateway.query.calls.last.metadata
    assert metadata["x-workspace-id"] == "ws_1"
    assert metadata["x-key-id"] == "key_1"
    assert metadata["x-environment"] == "live"
    assert metadata["x-key-kind"] == "secret"
    assert metadata["x-internal-credential"] == CREDENTIAL
    assert metadata["x-request-id"] == response.headers["x-request-id"]
    assert "authorization" not in metadata
    assert "x-route-rule" not in metadata
    assert "x-client-address" not in metadata


def test_the_limits_are_on_every_answer(client: httpx.Client, gateway: Gateway) -> None:
    """Whoever answers a request with a key (a service, the strict check, access), the limits are told."""
    gateway.knowledge.calls.on("GetDocument", fail("DOCUMENT_NOT_FOUND", ErrorKind.NOT_FOUND))
    limited = {"authorization": f"Bearer {LIMITED_KEY}"}
    reader = {"authorization": f"Bearer {READ_ONLY_KEY}"}
    for status, answer in (
        (200, client.post("/v1/query", json={"message": "hi"})),
        (200, client.post("/v1/query/stream", json={"message": "hi"})),
        (202, client.post("/v1/knowledge/documents", json={"title": "a"})),
        (400, client.post("/v1/query", json={"nothing": 1})),
        (404, client.get("/v1/knowledge/documents/doc_1")),
        (404, client.get("/v1/nothing")),
        (405, client.put("/v1/query")),
        (415, client.post("/v1/query", content=b"a", headers={"content-type": "text/plain"})),
        (403, client.post("/v1/query", json={"message": "hi"}, headers=reader)),
        (429, client.post("/v1/query", json={"message": "hi"}, headers=limited)),
    ):
        assert answer.status_code == status
        assert {name: answer.headers.get(name) for name in LIMITS} == LIMITS, status


def test_what_else_access_says_stays_inside(client: httpx.Client, gateway: Gateway) -> None:
    """Of the headers that access answers, only the agreed ones reach the caller or the service."""
    more = {"x-own": "1", "x-body-keys": "forged", "grpc-timeout": "1n", "set-cookie": "a=b"}
    gateway.check.on(lambda request: passed(more))
    answer = client.post("/v1/query", json={"message": "hi"})
    assert not {"x-own", "set-cookie", "x-workspace-id", "x-scopes"} & set(answer.headers)
    metadata = gateway.query.calls.last.metadata
    assert metadata["x-body-keys"] == "message"
    assert not {"x-own", "set-cookie"} & set(metadata)
    gateway.check.on(lambda request: CheckAnswer(403, more, b"{}"))
    assert not {"x-own", "set-cookie"} & set(client.post("/v1/query", json={"message": "hi"}).headers)


def test_a_failure_of_access_lets_nobody_pass(client: httpx.Client, gateway: Gateway) -> None:
    """Whatever goes wrong in the check is 503 to the caller, who may come back."""
    for status in (500, 502, 503, 504):
        gateway.check.on(lambda request, status=status: CheckAnswer(status))  # type: ignore[misc]
        assert_problem(client.post("/v1/query", json={"message": "hi"}), 503, "UNAVAILABLE")
    assert gateway.query.calls.calls == []


def test_nothing_of_the_inside_is_shown(client: httpx.Client) -> None:
    """Answers carry neither the credential nor the headers of gRPC and Envoy."""
    headers = client.post("/v1/query", json={"message": "hi"}).headers
    assert CREDENTIAL not in str(headers)
    assert not [name for name in headers if name.startswith(("grpc-", "x-envoy-", "server", "x-internal-"))]


FORGED = [
    "x-workspace-id",
    "x-key-id",
    "x-scopes",
    "x-environment",
    "x-key-kind",
    "x-route-rule",
    "x-client-address",
    "x-forwarded-for",
    "x-internal-credential",
    "x-body-keys",
    "x-subject",
    "x-problem-code",
    "grpc-timeout",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-retry-on",
    "x-envoy-original-path",
]


def test_forged_headers_are_dropped(client: httpx.Client, gateway: Gateway) -> None:
    """None of the internal headers gets in from outside."""
    client.post("/v1/query", json={"message": "hi"}, headers=dict.fromkeys(FORGED, "1"))
    asked = gateway.check.last
    assert [name for name in FORGED if asked.headers.get(name) == "1"] == []
    assert asked.rule[0] == "api_key"
    assert (asked.headers["x-client-address"], asked.headers["x-internal-credential"]) == (
        "127.0.0.1",
        CREDENTIAL,
    )
    call = gateway.query.calls.last
    assert [name for name in FORGED if call.metadata.get(name) == "1"] == []
    assert call.metadata["x-workspace-id"] == "ws_1"
    assert call.metadata["x-body-keys"] == "message"
    assert call.seconds_left is not None
    assert 25 < call.seconds_left <= 30


def test_forged_headers_are_dropped_before_access_speaks(client: httpx.Client, gateway: Gateway) -> None:
    """Even if access says nothing of the caller, nothing forged is left in its place."""
    gateway.check.on(lambda request: CheckAnswer(200))
    client.post("/v1/query", json={"message": "hi"}, headers=dict.fromkeys(FORGED, "1"))
    metadata = gateway.query.calls.last.metadata
    assert [name for name in FORGED if metadata.get(name) == "1"] == []


def test_forged_headers_do_not_reach_open_routes(stranger: httpx.Client, gateway: Gateway) -> None:
    """On a route without a key, a forged workspace is dropped all the same."""
    stranger.get("/readyz", headers={"x-workspace-id": "ws_other", "x-scopes": "query"})
    metadata = gateway.query.calls.last.metadata
    assert (metadata["x-workspace-id"], metadata["x-scopes"]) == ("", "")


def test_the_request_id_is_always_ours(client: httpx.Client) -> None:
    """A request id from outside is replaced, and two requests never share one."""
    first = client.get("/v1/knowledge/documents", headers={"x-request-id": "mine"}).headers["x-request-id"]
    second = client.get("/v1/nothing", headers={"x-request-id": "mine"}).headers["x-request-id"]
    assert "mine" not in (first, second)
    assert first != second


def test_each_route_sends_its_deadline(client: httpx.Client, gateway: Gateway) -> None:
    """The service learns how long the caller waits, by the route's rule."""
    client.get("/v1/knowledge/documents")
    listing = gateway.knowledge.calls.last.seconds_left
    client.post("/v1/knowledge/documents/batch", json={"documents": []})
    batch = gateway.knowledge.calls.last.seconds_left
    assert listing is not None
    assert batch is not None
    assert 10 < listing <= 15
    assert 55 < batch <= 60
