"""The caller from metadata: who the gateway says is calling, believed only with the internal credential."""

# gRPC's stubs are generic, its classes are not.
from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc

from services.kernel.caller import Caller
from services.kernel.errors import DomainError, ErrorKind, Unauthenticated
from services.kernel.ids import WorkspaceId
from services.runtime import call
from services.runtime.interceptors.handler import Stream, Unary, wrapped
from services.runtime.settings import Secret

CREDENTIAL = "x-internal-credential"
WORKSPACE = "x-workspace-id"
KEY = "x-key-id"
SCOPES = "x-scopes"
ENVIRONMENT = "x-environment"
KEY_KIND = "x-key-kind"
REQUEST_ID = "x-request-id"

PUBLISHABLE = "publishable"

# Where no deadline was sent, gRPC reports one of centuries.
_NO_DEADLINE_SECONDS = 1e8


class InternalCredentialRefused(DomainError):
    """The call did not come from a part of this installation."""

    kind = ErrorKind.PERMISSION_DENIED
    reason = "INTERNAL_CREDENTIAL_REFUSED"


class CallerFromMetadata(grpc.ServerInterceptor):
    """Innermost: refuses strangers, and makes the caller known to the servicer and to calls it makes."""

    def __init__(self, credential: Secret, open_services: frozenset[str]) -> None:
        self._credential = credential.reveal().encode()
        if not self._credential:
            raise ValueError("an empty credential would let everybody in")
        self._open_services = open_services

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap the handler of the call, unless its service is open to everybody."""
        handler = continuation(handler_call_details)
        service = handler_call_details.method.split("/")[1]
        if service in self._open_services:
            return handler
        if handler is not None and handler.request_streaming:
            raise TypeError("no check stands before calls with streamed requests")
        return wrapped(handler, handler_call_details.method, self)

    def unary(self, method: str, behaviour: Unary, request: Any, context: grpc.ServicerContext) -> Any:
        """Serve a call that has one answer."""
        with call.serving(self._call(context)):
            return behaviour(request, context)

    def stream(
        self, method: str, behaviour: Stream, request: Any, context: grpc.ServicerContext
    ) -> Iterator[Any]:
        """Serve a call that has a stream of answers."""
        with call.serving(self._call(context)):
            yield from behaviour(request, context)

    def _call(self, context: grpc.ServicerContext) -> call.Call:
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        if not hmac.compare_digest(metadata.get(CREDENTIAL, "").encode(), self._credential):
            raise InternalCredentialRefused("This service answers only to parts of its own installation.")
        caller = Caller(
            workspace_id=WorkspaceId(metadata.get(WORKSPACE, "")),
            key_id=metadata.get(KEY, ""),
            scopes=frozenset(metadata.get(SCOPES, "").split()),
            environment=metadata.get(ENVIRONMENT, "live"),
            request_id=metadata.get(REQUEST_ID, ""),
            publishable=metadata.get(KEY_KIND) == PUBLISHABLE,
        )
        remaining = context.time_remaining()
        limited = remaining is not None and remaining < _NO_DEADLINE_SECONDS
        return call.Call(caller, time.monotonic() + remaining if limited else None)


def caller(_context: grpc.ServicerContext) -> Caller:
    """Return who calls; raise Unauthenticated where no workspace was named."""
    present = call.current()
    if present is None or not present.caller.workspace_id:
        raise Unauthenticated("A workspace's key is needed.")
    return present.caller


def request_header(context: grpc.ServicerContext, name: str) -> str:
    """Return a header of the HTTP request such as `if-match`, "" where it is absent."""
    return next((str(value) for key, value in context.invocation_metadata() if key == name), "")


def set_response_headers(context: grpc.ServicerContext, headers: Mapping[str, str]) -> None:
    """Send headers with the answer. Once per call; initial metadata, since the gateway drops trailers."""
    context.send_initial_metadata(tuple(headers.items()))
