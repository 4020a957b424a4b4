"""Which of a request's headers get how far."""

import httpx
import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.problem_body import assert_problem, pointers

LIST = "/v1/knowledge/documents"
# What gRPC itself adds, and what the gateway says of the request.
KNOWN = {
    "grpc-timeout",
    "if-match",
    "idempotency-key",
    "user-agent",
    "x-body-keys",
    "x-environment",
    "x-key-kind",
    "x-envoy-original-method",
    "x-envoy-original-path",
    "x-internal-credential",
    "x-key-id",
    "x-request-id",
    "x-scopes",
    "x-workspace-id",
}


def test_services_get_no_other_headers(client: httpx.Client, gateway: Gateway) -> None:
    """Cookies, origins and whatever else a caller sends end at the gateway; what services read goes on."""
    headers = {
        "cookie": "a=b",
        "origin": "https://a",
        "x-own": "1",
        "referer": "https://a",
        "user-agent": "me",
    }
    client.post(LIST, json={"title": "a"}, headers={**headers, "if-match": '"1"', "idempotency-key": "k 1"})
    metadata = gateway.knowledge.calls.last.metadata
    assert set(metadata) <= KNOWN
    assert "me" not in metadata.get("user-agent", "")
    assert (metadata["if-match"], metadata["idempotency-key"]) == ('"1"', "k 1")
    assert gateway.check.last.headers["origin"] == "https://a"


@pytest.mark.parametrize(
    "headers",
    [
        [("x-own-bin", "!!!")],
        [("cookie", "a" * 50_000)],
        [("user-agent", "a" * 50_000)],
        [(f"x-{number}", "a") for number in range(85)],
        [("x-own", b"\xe9\xff".decode("latin1"))],
    ],
    ids=["no-base64", "large", "large-user-agent", "many", "latin1"],
)
def test_headers_that_nobody_reads_do_no_harm(
    client: httpx.Client, gateway: Gateway, headers: list[tuple[str, str]]
) -> None:
    """What gRPC would choke on as metadata is dropped before it can."""
    raw = [(name.encode(), value.encode("latin1")) for name, value in headers]
    for _ in range(5):
        assert client.get(LIST, headers=raw).status_code == 200


@pytest.mark.parametrize("name", ["If-Match", "Idempotency-Key"])
@pytest.mark.parametrize("value", ["a" * 256, b"\xe9".decode("latin1")], ids=["long", "latin1"])
def test_headers_that_services_read_are_checked(
    client: httpx.Client, gateway: Gateway, name: str, value: str
) -> None:
    """A value that could not be read as it is meant is refused, with the header's name."""
    raw = [(name.encode(), value.encode("latin1"))]
    problem = assert_problem(client.post(LIST, json={"title": "a"}, headers=raw), 400, "INVALID_ARGUMENT")
    assert pointers(problem) == [f"/{name}"]
    assert gateway.knowledge.calls.calls == []
