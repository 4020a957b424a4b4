"""Telemetry around each RPC: the request id in every log line, a count, a duration, a line for a failure."""

# gRPC's stubs are generic, its classes are not.
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import structlog
from prometheus_client import Counter, Gauge, Histogram

from services.runtime.interceptors.handler import Stream, Unary, wrapped

HANDLED = Counter("grpc_server_handled_total", "RPCs that ended.", ["method", "code"])
DURATION = Histogram(
    "grpc_server_handling_seconds",
    "Time from an RPC's start to its end.",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
IN_FLIGHT = Gauge("grpc_server_in_flight", "RPCs being served.")

_log = structlog.get_logger(__name__)


class Telemetry(grpc.ServerInterceptor):
    """Outermost, so that it sees how every call ended, refused ones included."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap the handler of the call."""
        return wrapped(continuation(handler_call_details), handler_call_details.method, self)

    def unary(self, method: str, behaviour: Unary, request: Any, context: grpc.ServicerContext) -> Any:
        """Serve a call that has one answer."""
        started = self._begin(context)
        try:
            return behaviour(request, context)
        finally:
            self._end(method, context, started)

    def stream(
        self, method: str, behaviour: Stream, request: Any, context: grpc.ServicerContext
    ) -> Iterator[Any]:
        """Serve a call that has a stream of answers."""
        started = self._begin(context)
        try:
            yield from behaviour(request, context)
        finally:
            self._end(method, context, started)

    def _begin(self, context: grpc.ServicerContext) -> float:
        request_id = next((str(v) for k, v in context.invocation_metadata() if k == "x-request-id"), "")
        structlog.contextvars.bind_contextvars(request_id=request_id)
        IN_FLIGHT.inc()
        return time.perf_counter()

    def _end(self, method: str, context: grpc.ServicerContext, started: float) -> None:
        elapsed = time.perf_counter() - started
        # grpc leaves the code empty for a success, and where the caller went away or ran out of time.
        otherwise = "OK" if context.is_active() else "CANCELLED"
        code = getattr(context.code(), "name", otherwise)  # type: ignore[attr-defined]
        IN_FLIGHT.dec()
        HANDLED.labels(method, code).inc()
        DURATION.labels(method).observe(elapsed)
        # A line per success would cost a third of a small call; Envoy's access log has one per request.
        tell = _log.debug if code == "OK" else _log.info
        tell("rpc", method=method, code=code, milliseconds=round(elapsed * 1000, 1))
        structlog.contextvars.clear_contextvars()
