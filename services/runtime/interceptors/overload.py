"""Overload is refused at the door: a call that would wait too long costs less when it is not taken."""

# gRPC's stubs are generic, its classes are not.
from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_status import rpc_status
from prometheus_client import Counter

from services.kernel.errors import DomainError, ErrorKind
from services.runtime.serving_threads import ServingThreads
from services.runtime.status import to_status

REFUSED = Counter("grpc_server_refused_total", "RPCs that were refused for overload.", ["method"])

# When to ask again: what is under way is done by then, as a rule.
_RETRY_SECONDS = 0.25


class Overloaded(DomainError):
    """The process has more calls than it can serve in time; nothing was done."""

    kind = ErrorKind.RESOURCE_EXHAUSTED
    reason = "UNAVAILABLE"


class RefuseOverload(grpc.ServerInterceptor):
    """Outermost of all: beyond `limit` calls the next is refused at once, by a thread for just that."""

    def __init__(self, threads: ServingThreads, limit: int, open_services: frozenset[str]) -> None:
        self._threads = threads
        self._limit = limit
        # Health is told under any load.
        self._open_services = open_services
        refusing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="refuse")

        def refuse(request: Any, context: grpc.ServicerContext) -> Any:
            error = Overloaded("Too many calls at once.", retry_after=_RETRY_SECONDS)
            context.abort_with_status(rpc_status.to_status(to_status(error)))

        refuse.experimental_thread_pool = refusing  # type: ignore[attr-defined]
        self._refusal: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(refuse)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Let the call in, or refuse it; runs before the call waits for a thread."""
        method = handler_call_details.method
        if self._threads.calls < self._limit or method.split("/")[1] in self._open_services:
            return continuation(handler_call_details)
        REFUSED.labels(method).inc()
        return self._refusal
