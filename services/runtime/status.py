"""
The one mapping between domain errors and `google.rpc.Status` (AIP-193).

Outgoing: kind → code, with ErrorInfo, BadRequest and RetryInfo as details. Incoming: code → kind from the
same table; names on the wire never choose a class.
"""

from collections.abc import Iterable, Mapping, Sequence

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.kernel.errors import DeadlineExceeded, DomainError, ErrorKind, Unavailable, Violation

DOMAIN = "supportagent"

# A status travels in a header, and an error that does not fit into one arrives as a failure of the server.
# In characters, and in bytes of all violations together.
_MAX_DETAIL = 500
_MAX_VIOLATIONS = 16 * 1024

_CODES: dict[ErrorKind, int] = {
    ErrorKind.INVALID_ARGUMENT: code_pb2.INVALID_ARGUMENT,
    ErrorKind.UNAUTHENTICATED: code_pb2.UNAUTHENTICATED,
    ErrorKind.PERMISSION_DENIED: code_pb2.PERMISSION_DENIED,
    ErrorKind.NOT_FOUND: code_pb2.NOT_FOUND,
    ErrorKind.ALREADY_EXISTS: code_pb2.ALREADY_EXISTS,
    ErrorKind.FAILED_PRECONDITION: code_pb2.FAILED_PRECONDITION,
    ErrorKind.ABORTED: code_pb2.ABORTED,
    ErrorKind.RESOURCE_EXHAUSTED: code_pb2.RESOURCE_EXHAUSTED,
    ErrorKind.UNAVAILABLE: code_pb2.UNAVAILABLE,
    ErrorKind.DEADLINE_EXCEEDED: code_pb2.DEADLINE_EXCEEDED,
    ErrorKind.CANCELLED: code_pb2.CANCELLED,
    ErrorKind.INTERNAL: code_pb2.INTERNAL,
}
_KINDS = {code: kind for kind, code in _CODES.items()}


class RemoteError(DomainError):
    """What another service answered, to be passed on as it is or handled by its kind and reason."""

    def __init__(
        self,
        kind: ErrorKind,
        reason: str,
        detail: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail, metadata=metadata, violations=violations, retry_after=retry_after)
        self.kind = kind  # type: ignore[misc]
        self.reason = reason  # type: ignore[misc]


def to_status(error: DomainError) -> status_pb2.Status:
    """Return the status that tells a caller of `error`."""
    details: list[any_pb2.Any] = [
        _packed(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))
    ]
    if error.violations:
        details.append(_packed(_bad_request(error.violations)))
    if error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_after * 1000))
        details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    message = error.detail if len(error.detail) <= _MAX_DETAIL else error.detail[: _MAX_DETAIL - 1] + "…"
    return status_pb2.Status(code=_CODES[error.kind], message=message, details=details)


def from_rpc_error(error: grpc.RpcError) -> DomainError:
    """Return the domain error for a failed call; text that gRPC itself made up is not passed on."""
    code = error.code()
    try:
        status = rpc_status.from_call(error) if isinstance(error, grpc.Call) else None
    except ValueError:
        # gRPC made up an error of its own beside the status that was sent.
        status = None
    if status is None or not status.details:
        return _bare(code)
    info, bad_request, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    _unpack(status.details, (info, bad_request, retry))
    kind = _KINDS.get(status.code, ErrorKind.INTERNAL)
    retry_after = retry.retry_delay.ToMilliseconds() / 1000 if retry.HasField("retry_delay") else None
    if kind == ErrorKind.RESOURCE_EXHAUSTED and info.reason == Unavailable.reason:
        # A service that has too much to do is away for a moment; that is no limit of the caller's.
        return Unavailable(status.message, retry_after=retry_after or 1.0)
    return RemoteError(
        kind,
        info.reason or "INTERNAL",
        status.message,
        metadata=dict(info.metadata),
        violations=[Violation(each.field, each.description) for each in bad_request.field_violations],
        retry_after=retry_after,
    )


def _bare(code: grpc.StatusCode) -> DomainError:
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded("The deadline passed.")
    # A server that stops cancels what it has not begun.
    away = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED)
    if code in away:
        return Unavailable("A part of the system does not answer.")
    return RemoteError(
        _KINDS.get(code.value[0], ErrorKind.INTERNAL), "INTERNAL", "A part of the system failed."
    )


def _bad_request(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    """List the violations, the first ones where they are too many for a header."""
    listed, room = error_details_pb2.BadRequest(), _MAX_VIOLATIONS
    for each in violations:
        one = error_details_pb2.BadRequest.FieldViolation(field=each.pointer, description=each.detail)
        room -= one.ByteSize() + 4
        if room < 0:
            break
        listed.field_violations.append(one)
    return listed


def _packed(
    message: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo,
) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _unpack(details: Iterable[any_pb2.Any], into: Iterable[object]) -> None:
    targets = tuple(into)
    for detail in details:
        for target in targets:
            if detail.Is(target.DESCRIPTOR):  # type: ignore[attr-defined]
                detail.Unpack(target)  # type: ignore[arg-type]
