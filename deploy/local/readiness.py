"""Ways to ask a process whether it can do its work."""

from __future__ import annotations

from typing import Protocol

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

PATIENCE = 0.5


class Readiness(Protocol):
    """A question that is answered within about half a second."""

    def is_ready(self) -> bool:
        """Whether the process can do its work now; False when it does not answer."""


class GrpcHealth:
    """Asks gRPC's health service for the whole process."""

    def __init__(self, port: int) -> None:
        self._target = f"127.0.0.1:{port}"

    def is_ready(self) -> bool:
        """Whether the process says SERVING."""
        with grpc.insecure_channel(self._target) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            try:
                answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class HttpOk:
    """Asks a URL; the answer 200 is a yes."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_ready(self) -> bool:
        """Whether the URL answers 200."""
        try:
            return httpx.get(self._url, timeout=PATIENCE, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False
