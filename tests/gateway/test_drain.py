"""Ending Envoy without cutting anybody off."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
from supportagent.query.v1 import query_service_pb2 as pb

from gateway.envoy.generate import Address
from services.runtime.server import start_server
from services.runtime.settings import Secret
from tests.fakes.fake_check import CREDENTIAL, KEY, FakeCheck
from tests.fakes.fake_query_service import FakeQueryService
from tests.gateway.conftest import ROOMS, StartEnvoy
from tests.gateway.envoy_process import EnvoyProcess


def test_a_drain_lets_streams_end(envoys: StartEnvoy, check: FakeCheck) -> None:
    """After a drain begins, an open stream goes on to its last event, and new connections are refused."""
    go_on = threading.Event()

    def behaviour(request: Any, context: grpc.ServicerContext) -> Iterator[pb.StreamQueryResponse]:
        yield pb.StreamQueryResponse(delta=pb.Delta(text="first"))
        assert go_on.wait(20)
        yield pb.StreamQueryResponse(delta=pb.Delta(text="last"))

    query = FakeQueryService()
    query.calls.on("StreamQuery", behaviour)
    server = start_server([query.service()], credential=Secret(CREDENTIAL))
    address = Address.parse(server.address)
    envoy = envoys(check.address, dict.fromkeys(ROOMS, address))
    headers = {"authorization": f"Bearer {KEY}"}
    with (
        httpx.Client(base_url=envoy.public, headers=headers, timeout=20) as caller,
        caller.stream("POST", "/v1/query/stream", json={"message": "hi"}) as response,
    ):
        lines = response.iter_lines()
        assert "first" in next(lines)
        httpx.post(f"{envoy.admin}/drain_listeners")
        _wait_until_refused(f"{envoy.public}/healthz")
        assert _active_requests(envoy) == 1
        go_on.set()
        assert any("last" in line for line in lines)
    assert _active_requests(envoy) == 0
    server.stop(0)


def _active_requests(envoy: EnvoyProcess) -> int:
    stats = httpx.get(f"{envoy.admin}/stats", params={"filter": "^http.public.downstream_rq_active$"})
    return int(stats.text.rpartition(":")[2])


def _wait_until_refused(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(url)
        except httpx.ConnectError:
            return
        time.sleep(0.02)
    raise AssertionError("the listener is still open")
