"""The check behind every request: what access is told, and what becomes of its answers."""

import httpx
import pytest

from tests.fakes.fake_access_service import CREDENTIAL, KEY, LIMITED_KEY, READ_ONLY_KEY, passed
from tests.gateway.conftest import Gateway
from tests.gateway.problem_body import assert_problem

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
    attributes = gateway.access.checks.last.request.attributes
    assert dict(attributes.context_extensions) == {
        "audience": "api_key",
        "scope": "query",
        "publishable": "true",
        "route": "supportagent.query.v1.QueryService/Query",
    }
    headers = attributes.request.http.headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["x-request-id"]
    assert "cookie" not in headers


def test_what_the_service_is_told(client: httpx.Client, gateway: Gateway) -> None:
    """The service gets the caller and the credential from access, and never the key."""
    response = client.post("/v1/query", json={"message": "hi"})
    metadata = gateway.query.calls.last.metadata
    assert metadata["x-workspace-id"] == "ws_1"
    assert metadata["x-key-id"] == "key_1"
    assert metadata["x-environment"] == "live"
    assert metadata["x-internal-credential"] == CREDENTIAL
    assert metadata["x-request-id"] == response.headers["x-request-id"]
    assert "authorization" not in metadata


def test_access_adds_headers_to_the_answer(client: httpx.Client) -> None:
    """Headers such as the limits reach the caller, on good answers and on refusals by the gateway."""
    assert client.post("/v1/query", json={"message": "hi"}).headers["x-ratelimit-remaining"] == "599"
    assert client.post("/v1/query", json={"nothing": 1}).headers["x-ratelimit-remaining"] == "599"


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
    call = gateway.query.calls.last
    assert [name for name in FORGED if call.metadata.get(name) == "1"] == []
    assert call.metadata["x-workspace-id"] == "ws_1"
    assert call.metadata["x-body-keys"] == "message"
    assert call.seconds_left is not None
    assert 25 < call.seconds_left <= 30


def test_forged_headers_are_dropped_before_access_speaks(client: httpx.Client, gateway: Gateway) -> None:
    """Even if access sets no more than the credential, nothing forged is left in its place."""
    gateway.access.checks.on("Check", lambda request, context: passed({"x-internal-credential": CREDENTIAL}))
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
