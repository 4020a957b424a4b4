"""Wrapping of RPC handlers: the one place that knows gRPC's shapes of them."""

# gRPC's stubs are generic, its classes are not.
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import grpc

Unary = Callable[[Any, grpc.ServicerContext], Any]
Stream = Callable[[Any, grpc.ServicerContext], Iterator[Any]]


class Around(Protocol):
    """What an interceptor does around one call."""

    def unary(self, method: str, behaviour: Unary, request: Any, context: grpc.ServicerContext) -> Any:
        """Serve a call that has one answer."""

    def stream(
        self, method: str, behaviour: Stream, request: Any, context: grpc.ServicerContext
    ) -> Iterator[Any]:
        """Serve a call that has a stream of answers."""


def wrapped(
    handler: grpc.RpcMethodHandler[Any, Any] | None, method: str, around: Around
) -> grpc.RpcMethodHandler[Any, Any] | None:
    """
    Return `handler` with `around` about it.

    Calls with streamed requests (reflection) pass as they are, and so do those that bring threads of their
    own (health): gRPC finds these only on the behaviour itself.
    """
    if handler is None or handler.request_streaming:
        return handler
    stream, unary = handler.unary_stream, handler.unary_unary
    if hasattr(stream or unary, "experimental_thread_pool"):
        return handler
    if stream is not None:
        return grpc.unary_stream_rpc_method_handler(
            lambda request, context: around.stream(method, stream, request, context),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
    if unary is None:
        return handler
    return grpc.unary_unary_rpc_method_handler(
        lambda request, context: around.unary(method, unary, request, context),
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )
