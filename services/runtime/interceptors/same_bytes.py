"""Equal answers are equal bytes."""

# gRPC's stubs are generic, its classes are not.
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import Message


class SameBytes(grpc.ServerInterceptor):
    """
    Writes maps in the order of their keys; left to itself, each process has an order of its own.

    So a repeated request is answered byte for byte, also by another process: the gateway prints as it reads.
    """

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Replace how the handler's answers are written."""
        handler = continuation(handler_call_details)
        if handler is None or handler.response_serializer is None:
            return handler
        return handler._replace(response_serializer=_in_order)  # type: ignore[attr-defined, no-any-return]


def _in_order(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
