"""Content types, bodies where none is due, and bodies that are too large."""

import http.client
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.fake_check import KEY
from tests.gateway.conftest import MEBIBYTE, Gateway
from tests.gateway.problem_body import assert_problem

ROUTES = [
    ("POST", "/v1/query"),
    ("PATCH", "/v1/knowledge/documents/doc_1"),
    ("PUT", "/v1/knowledge/documents/by-external-id/a"),
]
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/problem+json"},
        {"content-type": ""},
        {},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_wrong_content_type(
    client: httpx.Client, gateway: Gateway, route: tuple[str, str], headers: dict[str, str]
) -> None:
    """A body that is not JSON by its own account is 415."""
    response = client.request(*route, content=b'{"message":"a","title":"b"}', headers=headers)
    assert_problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert gateway.query.calls.calls == gateway.knowledge.calls.calls == []


def test_a_grpc_body_on_a_json_route(client: httpx.Client, gateway: Gateway) -> None:
    """A gRPC message is refused as any other body that is no JSON, whatever the answer's form."""
    headers = {"content-type": "application/grpc", "te": "trailers"}
    response = client.post("/v1/query", content=b"\0\0\0\0\0", headers=headers)
    assert_problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert gateway.query.calls.calls == []


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json ; charset=UTF-8",
    ],
)
def test_right_content_types(client: httpx.Client, content_type: str) -> None:
    """JSON in UTF-8 is taken however it is spelt."""
    response = client.post("/v1/query", content=b'{"message":"a"}', headers={"content-type": content_type})
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/knowledge/documents/doc_1", 200),
        ("DELETE", "/v1/knowledge/documents/doc_1", 202),
        ("DELETE", "/v1/knowledge/documents/by-external-id/a", 202),
    ],
)
def test_a_body_where_none_is_due(
    client: httpx.Client, gateway: Gateway, method: str, path: str, status: int
) -> None:
    """Nothing and `{}` are both taken for nothing; anything else is refused."""
    assert client.request(method, path).status_code == status
    assert client.request(method, path, json={}).status_code == status
    assert client.request(method, path, headers={"content-type": "application/grpc"}).status_code == status
    gateway.reset()
    assert_problem(client.request(method, path, json={"a": 1}), 400, "INVALID_ARGUMENT")
    assert_problem(client.request(method, path, content=b"hello"), 400, "MALFORMED_JSON")
    assert gateway.knowledge.calls.calls == []


def _message(size: int) -> bytes:
    """A body of exactly `size` bytes."""
    frame = b'{"message":"","title":""}'
    return b'{"message":"' + b"x" * (size - len(frame)) + b'","title":""}'


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


@pytest.mark.parametrize("size", [MEBIBYTE + 1, 2 * MEBIBYTE, 11 * MEBIBYTE])
@pytest.mark.parametrize("chunked", [False, True])
def test_too_large(client: httpx.Client, gateway: Gateway, size: int, chunked: bool) -> None:
    """A body over the route's limit is 413, with its length declared or not, and the caller reads it."""
    body = _message(size)
    response = client.post("/v1/query", content=_pieces(body) if chunked else body, headers=JSON)
    assert_problem(response, 413, "BODY_TOO_LARGE")
    assert gateway.query.calls.calls == []


def test_too_large_read_by_a_plain_client(gateway: Gateway) -> None:
    """A client that sends everything before it reads gets the 413 and no reset."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.envoy.endpoints.public.port, timeout=30)
    headers = {**JSON, "authorization": f"Bearer {KEY}"}
    connection.request("POST", "/v1/query", _message(11 * MEBIBYTE), headers)
    response = connection.getresponse()
    assert response.status == 413
    assert b'"BODY_TOO_LARGE"' in response.read()
    connection.close()


@pytest.mark.parametrize("size", [16 * MEBIBYTE, 40 * MEBIBYTE])
def test_too_large_for_any_route(client: httpx.Client, size: int) -> None:
    """Over the largest limit, the document routes answer 413 too."""
    for method, path in ROUTES[1:]:
        response = client.request(method, path, content=_message(size), headers=JSON)
        assert_problem(response, 413, "BODY_TOO_LARGE")


def test_the_largest_bodies(client: httpx.Client, gateway: Gateway) -> None:
    """A body of exactly the limit passes: 1 MiB for a question, 15 MiB for a document."""
    question = b'{"message":"' + b"x" * (MEBIBYTE - 14) + b'"}'
    assert len(question) == MEBIBYTE
    assert client.post("/v1/query", content=question, headers=JSON).status_code == 200
    document = b'{"title":"a","content":"' + b"x" * (15 * MEBIBYTE - 26) + b'"}'
    assert len(document) == 15 * MEBIBYTE
    response = client.put(ROUTES[2][1], content=document, headers=JSON)
    assert response.status_code == 202, response.text
    assert len(gateway.knowledge.calls.last.request.document.content) == 15 * MEBIBYTE - 26


def test_headers_too_large(client: httpx.Client) -> None:
    """Over 60 KiB of headers is 431."""
    assert_problem(
        client.get("/v1/knowledge/documents", headers={"x-large": "x" * 70_000}), 431, "HEADERS_TOO_LARGE"
    )


def test_headers_with_underscores(client: httpx.Client, gateway: Gateway) -> None:
    """A header with an underscore, which some take for one with a dash, is refused."""
    response = client.get("/v1/knowledge/documents", headers={"x_workspace_id": "ws_other"})
    assert_problem(response, 400, "INVALID_ARGUMENT")
    assert gateway.knowledge.calls.calls == []
