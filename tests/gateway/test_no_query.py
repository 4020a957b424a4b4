"""Requests that access has counted as queries and that get no further than the gateway."""

import time

import grpc
import httpx
import pytest
from supportagent.query.v1 import query_service_pb2 as pb
from supportagent.query.v1.query_service_pb2_grpc import QueryServiceStub

from tests.fakes.fake_check import KEY
from tests.gateway.conftest import MEBIBYTE, Gateway

_WORKSPACE = "ws_1"


def _told(gateway: Gateway, times: int) -> list[str]:
    """Return whose requests access was told of, once there are so many; nobody waits for it."""
    end = time.monotonic() + 10
    while len(gateway.check.no_queries) < times and time.monotonic() < end:
        time.sleep(0.01)
    return gateway.check.no_queries


@pytest.mark.parametrize("path", ["/v1/query", "/v1/query/stream"])
@pytest.mark.parametrize(
    ("status", "content", "headers"),
    [
        (400, b'{"massage":"hi"}', {}),
        (400, b"{", {}),
        (400, b'{"message":"hi"}', {"idempotency-key": "a" * 256}),
        (413, b'{"message":"' + b"a" * MEBIBYTE + b'"}', {}),
        (415, b"hi", {"content-type": "text/plain"}),
    ],
)
def test_a_refused_question_is_told(
    client: httpx.Client, gateway: Gateway, path: str, status: int, content: bytes, headers: dict[str, str]
) -> None:
    """Access learns whose it was, so that it takes nothing of the quota."""
    response = client.post(path, content=content, headers={"content-type": "application/json", **headers})
    assert response.status_code == status
    assert _told(gateway, 1) == [_WORKSPACE]


def test_what_is_no_refused_question_is_not_told(client: httpx.Client, gateway: Gateway) -> None:
    """Questions that go on, and requests that were never counted as one."""
    assert client.post("/v1/query", json={"message": "hi"}).status_code == 200
    assert client.post("/v1/search", json={"massage": "hi"}).status_code == 400
    assert client.post("/v1/query", json={}, headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client.post("/v1/query", json={"massage": "hi"}).status_code == 400
    assert _told(gateway, 1) == [_WORKSPACE]


def test_a_header_from_outside_tells_nothing(client: httpx.Client, gateway: Gateway) -> None:
    """A caller can't give itself queries back."""
    assert client.post("/v1/query", json={"message": "hi"}, headers={"x-no-query": "ws_2"}).status_code == 200
    assert "x-no-query" not in gateway.check.last.headers
    assert gateway.check.no_queries == []


def test_a_refused_native_call_is_told(gateway: Gateway) -> None:
    """The same for callers that speak gRPC."""
    with grpc.insecure_channel(gateway.envoy.grpc) as channel, pytest.raises(grpc.RpcError):
        QueryServiceStub(channel).Query(
            pb.QueryRequest(message="a" * MEBIBYTE),
            metadata=(("authorization", f"Bearer {KEY}"),),
            timeout=20,
        )
    assert _told(gateway, 1) == [_WORKSPACE]
