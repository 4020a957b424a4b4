"""Channels to other services: they carry the caller and a shrinking deadline, and retry only what is safe."""

import json
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import grpc

from services.runtime import call as calls
from services.runtime.interceptors.caller import (
    CREDENTIAL,
    ENVIRONMENT,
    KEY,
    KEY_KIND,
    PUBLISHABLE,
    REQUEST_ID,
    SCOPES,
    WORKSPACE,
)
from services.runtime.settings import Secret
from services.runtime.status import from_rpc_error

DEFAULT_MESSAGE_BYTES = 4 * 1024 * 1024
# A status with all its violations travels as metadata; gRPC's own limit of 8 KiB is too small for it.
MAX_METADATA_BYTES = 64 * 1024

# What is kept of the caller's time for its own answer, in seconds.
_MARGIN = 0.05

Request = TypeVar("Request", contravariant=True)
Response = TypeVar("Response", covariant=True)


class Method(Protocol[Request, Response]):
    """A unary method of a stub."""

    def __call__(self, request: Request, /, timeout: float | None = None) -> Response:
        """Make the call; raise grpc.RpcError."""


def open_channel(
    target: str,
    *,
    credential: Secret,
    idempotent: Sequence[str] = (),
    max_message_bytes: int = DEFAULT_MESSAGE_BYTES,
) -> grpc.Channel:
    """
    Open a channel to `host:port`; calls spread over all its addresses.

    `idempotent` names the methods (`/package.Service/Method`) that are tried again, up to three times, when
    the service was UNAVAILABLE. No other call is ever repeated.
    """
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if idempotent:
        names = [
            dict(zip(("service", "method"), path.strip("/").split("/"), strict=True)) for path in idempotent
        ]
        policy = {
            "maxAttempts": 3,
            "initialBackoff": "0.05s",
            "maxBackoff": "0.5s",
            "backoffMultiplier": 3,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        config["methodConfig"] = [{"name": names, "retryPolicy": policy}]
    options = [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        # Room for a status that lists many violations.
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
        # A restarted service is found again within a second, not after gRPC's two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 5_000),
    ]
    return grpc.intercept_channel(grpc.insecure_channel(target, options), _CallerToMetadata(credential))


def call(method: Method[Request, Response], request: Request, *, timeout: float) -> Response:
    """
    Call another service within `timeout` seconds, or what the present caller has left of its time if less.

    Raises:
        Unavailable, DeadlineExceeded: it did not answer.
        RemoteError: it answered with an error.
    """
    left = calls.seconds_left()
    try:
        return method(request, timeout=timeout if left is None else max(0.001, min(timeout, left - _MARGIN)))
    except grpc.RpcError as error:
        raise from_rpc_error(error) from None


class _Details(
    namedtuple("_Details", ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression")),
    grpc.ClientCallDetails,
):
    """What gRPC wants of a changed call."""


class _CallerToMetadata(grpc.UnaryUnaryClientInterceptor):
    def __init__(self, credential: Secret) -> None:
        self._credential = credential.reveal()

    def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        metadata = [*(client_call_details.metadata or ()), (CREDENTIAL, self._credential)]
        present = calls.current()
        if present is not None:
            caller = present.caller
            metadata += [
                (WORKSPACE, caller.workspace_id),
                (KEY, caller.key_id),
                (SCOPES, " ".join(sorted(caller.scopes))),
                (ENVIRONMENT, caller.environment),
                (REQUEST_ID, caller.request_id),
                (KEY_KIND, PUBLISHABLE if caller.publishable else "secret"),
            ]
        details = _Details(
            client_call_details.method,
            client_call_details.timeout,
            metadata,
            client_call_details.credentials,
            client_call_details.wait_for_ready,
            client_call_details.compression,
        )
        return continuation(details, request)
