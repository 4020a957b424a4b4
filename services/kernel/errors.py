"""Errors of the domain: they carry their data and know neither gRPC nor HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class ErrorKind(Enum):
    """What sort of failure it is; the runtime maps each kind to one gRPC status code."""

    INVALID_ARGUMENT = "invalid_argument"
    UNAUTHENTICATED = "unauthenticated"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    FAILED_PRECONDITION = "failed_precondition"
    ABORTED = "aborted"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    UNAVAILABLE = "unavailable"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Violation:
    """One broken rule of a request: where (a JSON pointer, RFC 6901) and which."""

    pointer: str
    detail: str


class DomainError(Exception):
    """
    A failure that a caller may be told of.

    `reason` is a name of `supportagent.errors.v1.ErrorReason` without its prefix, `detail` a sentence for
    people that discloses nothing of another workspace, a driver or a secret. `retry_after` is in seconds.
    """

    kind: ClassVar[ErrorKind] = ErrorKind.INTERNAL
    reason: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        detail: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after = retry_after


class InvalidArgument(DomainError):
    """The request breaks rules; all of them are listed."""

    kind = ErrorKind.INVALID_ARGUMENT
    reason = "INVALID_ARGUMENT"

    @classmethod
    def of(cls, violations: Sequence[Violation]) -> "InvalidArgument":
        """Wrap one or more violations; the detail names the first."""
        first, more = violations[0], len(violations) - 1
        detail = f"{first.pointer or 'The body'}: {first.detail}"
        return cls(detail + (f" ({more} more)" if more else ""), violations=violations)


class Unauthenticated(DomainError):
    """Nobody that this installation knows is calling."""

    kind = ErrorKind.UNAUTHENTICATED
    reason = "UNAUTHENTICATED"


class Unavailable(DomainError):
    """A part of the system does not answer; the same call may succeed later."""

    kind = ErrorKind.UNAVAILABLE
    reason = "UNAVAILABLE"

    def __init__(self, detail: str, *, retry_after: float = 1.0) -> None:
        super().__init__(detail, retry_after=retry_after)


class DeadlineExceeded(DomainError):
    """The caller's time is up."""

    kind = ErrorKind.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"
