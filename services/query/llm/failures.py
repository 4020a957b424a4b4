"""What went wrong at an endpoint, as one of our reasons; its own words are left behind."""

import math

import httpx2
from openai import APIConnectionError, APIError, APIResponseValidationError, APIStatusError, APITimeoutError

from services.query.domain.generation.chat import ChatFailed, Failure

RETRIED = frozenset({Failure.UNREACHABLE, Failure.RATE_LIMITED, Failure.SERVER_ERROR})

_BY_STATUS = {
    401: Failure.AUTHENTICATION,
    403: Failure.AUTHENTICATION,
    408: Failure.TIMEOUT,
    413: Failure.OVER_BUDGET,
    429: Failure.RATE_LIMITED,
}
_FILTERED = frozenset({"content_filter", "content_policy_violation", "moderation_blocked"})
_TOO_LONG = frozenset({"context_length_exceeded", "string_above_max_length", "exceed_context_size_error"})
_UNKNOWN_PARAMETER = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})


def failure_of(error: Exception, *, begun: bool) -> ChatFailed:
    """Return what an error of the library means; `begun`: a part of the answer had come."""
    return ChatFailed(_reason(error, begun))


def _reason(error: Exception, begun: bool) -> Failure:
    if isinstance(error, APITimeoutError | httpx2.TimeoutException):
        return Failure.TIMEOUT
    if isinstance(error, APIStatusError):
        return _of_status(error)
    if isinstance(error, APIResponseValidationError):
        return Failure.MALFORMED
    if isinstance(error, APIConnectionError | httpx2.HTTPError):
        return Failure.INTERRUPTED if begun else Failure.UNREACHABLE
    if isinstance(error, APIError):
        # An error told within the stream.
        return _of_code(error) or (Failure.INTERRUPTED if begun else Failure.SERVER_ERROR)
    # Bytes that are no JSON, JSON of another form.
    return Failure.MALFORMED


def unknown_parameter(error: Exception) -> str:
    """Return the parameter that the endpoint does not take; empty where it complains of something else."""
    if isinstance(error, APIStatusError) and error.status_code in (400, 422):
        return str(error.param or "") if str(error.code) in _UNKNOWN_PARAMETER else ""
    return ""


def retry_after(error: Exception) -> float | None:
    """Return how many seconds an endpoint asks to be left alone, None if it does not say."""
    if not isinstance(error, APIStatusError):
        return None
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _of_status(error: APIStatusError) -> Failure:
    status = error.status_code
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return Failure.SERVER_ERROR
    return _of_code(error) or Failure.REFUSED


def _of_code(error: APIError) -> Failure | None:
    code = str(error.code or "")
    if code in _FILTERED:
        return Failure.FILTERED
    return Failure.OVER_BUDGET if code in _TOO_LONG else None
