"""Which paths and methods lead where."""

import httpx
import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.plain_request import send
from tests.gateway.problem_body import assert_problem


def test_health_needs_no_key_and_no_service(stranger: httpx.Client, gateway: Gateway) -> None:
    """`/healthz` is answered by Envoy alone."""
    response = stranger.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    assert gateway.check.requests == []


def test_readiness_passes_the_check_without_a_key(stranger: httpx.Client, gateway: Gateway) -> None:
    """`/readyz` asks the query service, with the credential and without a workspace."""
    response = stranger.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert gateway.check.last.rule[0] == "anyone"
    assert gateway.query.calls.last.metadata["x-workspace-id"] == ""


def test_openapi_is_served(stranger: httpx.Client) -> None:
    """`/openapi.json` is the generated document, for HEAD too."""
    response = stranger.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert "/v1/query" in response.json()["paths"]
    assert stranger.head("/openapi.json").status_code == 200


def test_docs_are_served(stranger: httpx.Client) -> None:
    """`/docs` is a page for people that loads nothing from elsewhere."""
    response = stranger.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "POST /v1/query" in response.text
    assert "http" not in response.text.replace("http or https", "").split("<h2>")[0].replace("charset", "")
    assert "<script" not in response.text


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/nothing", "/v1/query/", "/V1/query", "/v1//query", "/v1/query/stream/x"]
)
def test_unknown_paths(client: httpx.Client, path: str) -> None:
    """A path that no route has is 404, with a key or without."""
    assert_problem(client.get(path), 404, "ROUTE_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/query", "POST"),
        ("GET", "/v1/query/stream", "POST"),
        ("PUT", "/v1/knowledge/documents", "GET, POST"),
        ("GET", "/v1/knowledge/documents/batch", "POST"),
        ("POST", "/v1/knowledge/documents/doc_1", "DELETE, GET, PATCH"),
        ("GET", "/v1/knowledge/documents/by-external-id/a/b", "DELETE, PUT"),
        ("OPTIONS", "/v1/search", "POST"),
        ("BREW", "/v1/search", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
def test_wrong_methods(client: httpx.Client, method: str, path: str, allow: str) -> None:
    """A known path with another method is 405 and says which methods there are."""
    response = client.request(method, path)
    assert_problem(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == allow


def test_the_operators_routes_are_on_their_own_listener(
    client: httpx.Client, operator: httpx.Client, gateway: Gateway
) -> None:
    """`/operator/v1` is on the loopback listener alone, `/v1` on the public one alone."""
    body = {"name": "demo"}
    assert_problem(client.post("/operator/v1/workspaces", json=body), 404, "ROUTE_NOT_FOUND")
    assert_problem(operator.post("/v1/query", json={"message": "hi"}), 404, "ROUTE_NOT_FOUND")
    response = operator.post("/operator/v1/workspaces", json=body)
    assert (response.status_code, response.json()["name"]) == (201, "demo")
    assert gateway.access.calls.last.metadata["x-key-id"] == "operator"


def test_native_grpc_calls_are_no_routes(gateway: Gateway) -> None:
    """The RPCs' own paths lead nowhere."""
    headers = {"content-type": "application/grpc", "te": "trailers"}
    path = "/supportagent.query.v1.QueryService/Query"
    with httpx.Client(base_url=gateway.envoy.public) as caller:
        assert_problem(caller.post(path, headers=headers, content=b"\0\0\0\0\0"), 404, "ROUTE_NOT_FOUND")
    assert gateway.query.calls.calls == []


@pytest.mark.parametrize("path", ["/v1/knowledge/documents/a%2Fb", "/v1/knowledge/documents/a%2fb"])
def test_a_slash_in_an_id_reaches_no_other_route(client: httpx.Client, gateway: Gateway, path: str) -> None:
    """An escaped slash in a variable of one segment is no match."""
    assert_problem(client.get(path), 404, "ROUTE_NOT_FOUND")
    assert gateway.knowledge.calls.calls == []


def test_dots_reach_no_other_route(gateway: Gateway) -> None:
    """`..` in a path, escaped or not, is never resolved into another route."""
    for path in ("/v1/knowledge/../query", "/v1/knowledge/%2e%2e/query", "/v1/./query", "/v1/%71uery"):
        assert send(gateway.envoy, "POST", path, b'{"message":"a"}')[0] == 404
    assert gateway.query.calls.calls == []
