"""Wrapped handlers, kept: what stands before a method is the same at each of its calls."""

# gRPC's stubs are generic, its classes are not.
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc


class OncePerMethod(grpc.ServerInterceptor):
    """Outside of interceptors that only wrap the handler, so that they do so once and not at each call."""

    def __init__(self) -> None:
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the method's handler; one that does not exist is looked for each time."""
        method = handler_call_details.method
        handler = self._handlers.get(method)
        if handler is None:
            handler = continuation(handler_call_details)
            if handler is not None:
                self._handlers[method] = handler
        return handler
