"""What a browser asks before it sends a request of another origin (CORS)."""

import httpx
import pytest

from tests.fakes.fake_check import WIDGET_KEY
from tests.gateway.conftest import Gateway
from tests.gateway.problem_body import assert_problem

ASKED = {"origin": "https://shop.example", "access-control-request-method": "POST"}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/query", "POST"),
        ("/v1/query/stream", "POST"),
        ("/v1/usage", "GET"),
        ("/v1/knowledge/documents/doc_1", "DELETE, GET, PATCH"),
        ("/v1/knowledge/documents/by-external-id/a/b", "DELETE, PUT"),
    ],
)
def test_a_preflight(stranger: httpx.Client, gateway: Gateway, path: str, methods: str) -> None:
    """Any origin hears what the path takes, without credentials, and nobody else is asked."""
    wanted = {**ASKED, "access-control-request-headers": "authorization,content-type"}
    answer = stranger.options(path, headers=wanted)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["access-control-allow-methods"] == methods
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert allowed == ["authorization", "content-type", "idempotency-key", "if-match"]
    assert int(answer.headers["access-control-max-age"]) > 0
    assert answer.headers["x-request-id"]
    assert gateway.check.requests == []
    assert gateway.query.calls.calls == []


@pytest.mark.parametrize("missing", ASKED)
def test_options_that_are_no_preflight(stranger: httpx.Client, missing: str) -> None:
    """Without an origin or the method that is to follow, OPTIONS is a method that the route does not have."""
    headers = {name: value for name, value in ASKED.items() if name != missing}
    answer = stranger.options("/v1/query", headers=headers)
    assert_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/nothing", "/operator/v1/workspaces"])
def test_a_preflight_for_no_route(stranger: httpx.Client, path: str) -> None:
    """Where there is no route there is no preflight."""
    assert_problem(stranger.options(path, headers=ASKED), 404, "ROUTE_NOT_FOUND")


def test_readiness_is_for_no_page(stranger: httpx.Client) -> None:
    """What is not part of the API is not opened to other origins."""
    assert_problem(stranger.options("/readyz", headers=ASKED), 405, "METHOD_NOT_ALLOWED")


def test_the_operators_routes_answer_no_preflight(operator: httpx.Client) -> None:
    """No page of another origin may reach the operator's listener."""
    answer = operator.options("/operator/v1/workspaces", headers=ASKED)
    assert_problem(answer, 405, "METHOD_NOT_ALLOWED")


def test_the_request_after_it(stranger: httpx.Client, gateway: Gateway) -> None:
    """Access sees the origin, and what it says of it reaches the page, on good answers and on refusals."""
    headers = {"origin": ASKED["origin"], "authorization": f"Bearer {WIDGET_KEY}"}
    for status, body in ((200, {"message": "hi"}), (400, {"nothing": "hi"})):
        answer = stranger.post("/v1/query", json=body, headers=headers)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == ASKED["origin"]
        assert answer.headers["vary"] == "Origin"
    assert gateway.check.last.headers["origin"] == ASKED["origin"]
    assert gateway.query.calls.last.metadata["x-key-kind"] == "publishable"
    refused = stranger.post("/v1/search", json={"message": "hi"}, headers=headers)
    assert_problem(refused, 403, "PUBLISHABLE_KEY_REFUSED")
