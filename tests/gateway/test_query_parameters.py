"""What query strings the gateway takes."""

import httpx
import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.problem_body import assert_problem, pointers

LIST = "/v1/knowledge/documents"
ONE = "/v1/knowledge/documents/doc_1"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", f"{LIST}?page_sise=3", ["/page_sise"]),
        ("GET", f"{LIST}?pageSize=3", ["/pageSize"]),
        ("GET", f"{LIST}?page_size", ["/page_size"]),
        ("GET", f"{LIST}?page_size=abc", ["/page_size"]),
        ("GET", f"{LIST}?page_size=", ["/page_size"]),
        ("GET", f"{LIST}?page_size=1.5", ["/page_size"]),
        ("GET", f"{LIST}?page_size=2147483648", ["/page_size"]),
        ("GET", f"{LIST}?page_size=1&page_size=2", ["/page_size"]),
        ("GET", f"{LIST}?page_size=1&page%5Fsize=2", ["/page_size"]),
        ("GET", f"{LIST}?active=yes", ["/active"]),
        ("GET", f"{LIST}?active=1", ["/active"]),
        ("GET", f"{LIST}?tag=%FF", ["/tag"]),
        ("GET", f"{LIST}?tag=%00", ["/tag"]),
        ("GET", f"{LIST}?%FF=1", ["/"]),
        ("GET", f"{LIST}?a=1&active=x&b/c=2", ["/a", "/active", "/b~1c"]),
        ("GET", f"{ONE}?document_id=doc_2", ["/document_id"]),
        ("GET", f"{ONE}?documentId=doc_2", ["/documentId"]),
        ("DELETE", f"{ONE}?document_id=doc_2", ["/document_id"]),
        ("PATCH", f"{ONE}?document_id=doc_2", ["/document_id"]),
        ("PATCH", f"{ONE}?patch.title=x", ["/patch.title"]),
        ("PUT", f"{LIST}/by-external-id/a?external_id=b", ["/external_id"]),
        ("DELETE", f"{LIST}/by-external-id/a?external_id=b", ["/external_id"]),
        ("POST", "/v1/query?message=b", ["/message"]),
        ("POST", "/v1/query?x-body-keys=b", ["/x-body-keys"]),
    ],
)
def test_refused(client: httpx.Client, gateway: Gateway, method: str, path: str, expected: list[str]) -> None:
    """Unknown, repeated and mistyped parameters are listed; none can override a variable of the path."""
    body = {"message": "a"} if method == "POST" else {"title": "a"} if method in ("PUT", "PATCH") else None
    problem = assert_problem(client.request(method, path, json=body), 400, "INVALID_ARGUMENT")
    assert pointers(problem) == expected
    assert gateway.query.calls.calls == gateway.knowledge.calls.calls == []


def test_taken(client: httpx.Client, gateway: Gateway) -> None:
    """Good parameters arrive decoded."""
    parameters = "page_size=7&page_token=a%2Bb%3D&active=false&tag=a+b%26c&external_id=d/%C3%A9&&status="
    assert client.get(f"{LIST}?{parameters}").status_code == 200
    request = gateway.knowledge.calls.last.request
    assert (request.page_size, request.page_token, request.tag) == (7, "a+b=", "a b&c")
    assert (request.external_id, request.status) == ("d/é", "")
    assert request.HasField("active")
    assert request.active is False


def test_an_empty_query_string(client: httpx.Client, gateway: Gateway) -> None:
    """A question mark alone says nothing."""
    assert client.get(f"{ONE}?").status_code == 200
    assert gateway.knowledge.calls.last.request.document_id == "doc_1"


@pytest.mark.parametrize("escaped", ["%FF", "%00", "%0A", "%C2%80", "%ED%A0%80"])
def test_ids_that_are_no_text(client: httpx.Client, gateway: Gateway, escaped: str) -> None:
    """Control characters and broken UTF-8 in a path are refused before a service sees them."""
    for method, path in (("GET", f"{LIST}/doc{escaped}"), ("DELETE", f"{LIST}/by-external-id/a/{escaped}")):
        problem = assert_problem(client.request(method, path), 400, "INVALID_ARGUMENT")
        assert pointers(problem) == [f"/{'document_id' if method == 'GET' else 'external_id'}"]
    assert gateway.knowledge.calls.calls == []


def test_a_parameter_that_is_needed(operator: httpx.Client) -> None:
    """A required parameter is asked for by name."""
    problem = assert_problem(operator.get("/operator/v1/keys"), 400, "INVALID_ARGUMENT")
    assert pointers(problem) == ["/workspace"]


def test_a_path_that_no_service_would_take(client: httpx.Client, gateway: Gateway) -> None:
    """What is too long to go on is the caller's mistake, not the service's absence."""
    for path in (f"{LIST}?tag={'a' * 9_000}", f"{LIST}/{'a' * 20_000}"):
        assert_problem(client.get(path), 400, "INVALID_ARGUMENT")
    assert gateway.knowledge.calls.calls == []
    longest = "%F0%9F%98%80" * 512
    assert client.delete(f"{LIST}/by-external-id/{longest}").status_code == 202
