"""
Whether a process can serve, as gRPC's health protocol tells it.

The service name "" is the whole process; other names are parts that it can go on without, such as `limits`.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

SERVICE = "grpc.health.v1.Health"


# Health is told also while every thread that serves calls is busy, and watchers occupy none of those.
_OWN_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health")


class _HealthServicer(health.HealthServicer):
    def Check(self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext) -> Any:
        return super().Check(request, context)

    Check.experimental_thread_pool = _OWN_THREAD  # type: ignore[attr-defined]


class Health:
    """Serving or not; not, until somebody says so."""

    def __init__(self) -> None:
        self._servicer = _HealthServicer(experimental_non_blocking=True, experimental_thread_pool=_OWN_THREAD)
        self.set_serving(False)

    def set_serving(self, serving: bool) -> None:
        """Say whether calls can be served now."""
        self.set_part("", serving)

    def set_part(self, part: str, well: bool) -> None:
        """Say whether a part does its work now; without it the process serves, but less well."""
        status = health_pb2.HealthCheckResponse
        self._servicer.set(part, status.SERVING if well else status.NOT_SERVING)

    def drain(self) -> None:
        """Say NOT_SERVING for good."""
        self._servicer.enter_graceful_shutdown()

    def add_to(self, server: grpc.Server) -> None:
        """Answer health checks on `server`."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)


def is_serving(channel: grpc.Channel, timeout: float, part: str = "") -> bool:
    """Return whether the process behind `channel`, or its part, says within `timeout` seconds it does."""
    stub = health_pb2_grpc.HealthStub(channel)
    try:
        answer = stub.Check(health_pb2.HealthCheckRequest(service=part), timeout=timeout)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
