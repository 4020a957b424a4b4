"""Errors to statuses: what is foreseen is told, what is not becomes INTERNAL with a reference."""

# gRPC's stubs are generic, its classes are not.
from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import grpc
import structlog
from grpc_status import rpc_status

from services.kernel.errors import DomainError
from services.runtime.interceptors.handler import Stream, Unary, wrapped
from services.runtime.status import to_status

_log = structlog.get_logger(__name__)


class ErrorsToStatus(grpc.ServerInterceptor):
    """Inside telemetry, so that the status is counted; outside all else, so that every error passes here."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap the handler of the call."""
        return wrapped(continuation(handler_call_details), handler_call_details.method, self)

    def unary(self, method: str, behaviour: Unary, request: Any, context: grpc.ServicerContext) -> Any:
        """Serve a call that has one answer."""
        try:
            return behaviour(request, context)
        except Exception as error:
            _abort(method, error, context)

    def stream(
        self, method: str, behaviour: Stream, request: Any, context: grpc.ServicerContext
    ) -> Iterator[Any]:
        """Serve a call that has a stream of answers."""
        try:
            yield from behaviour(request, context)
        except Exception as error:
            _abort(method, error, context)


def foreseen(error: Exception, doing: str) -> DomainError:
    """Return `error` if callers may be told of it, else log it and return INTERNAL with its reference."""
    if isinstance(error, DomainError):
        return error
    reference = secrets.token_hex(6)
    _log.error("unforeseen", doing=doing, reference=reference, exc_info=error)
    return DomainError(
        f"Something went wrong on our side. Reference: {reference}", metadata={"reference": reference}
    )


def _abort(method: str, error: Exception, context: grpc.ServicerContext) -> NoReturn:
    context.abort_with_status(rpc_status.to_status(to_status(foreseen(error, method))))
