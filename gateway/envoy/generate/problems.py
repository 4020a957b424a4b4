"""Problem bodies that do not come from a service: which code stands for what Envoy itself answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from gateway.envoy.generate.error_reasons import ErrorReason

PROBLEM = "application/problem+json"

# What callers read where no service has said more.
TEXTS: Mapping[str, str] = {
    "INVALID_ARGUMENT": "The request could not be read.",
    "UNAUTHENTICATED": "A valid API key is needed: `Authorization: Bearer sk_…`.",
    "ROUTE_NOT_FOUND": "There is no such route.",
    "METHOD_NOT_ALLOWED": "The route exists, but not for this method; see `Allow`.",
    "BODY_TOO_LARGE": "The body is larger than this route takes.",
    "RATE_LIMITED": "Too many requests from this address.",
    "HEADERS_TOO_LARGE": "The headers are larger than 60 KiB.",
    "UNAVAILABLE": "A part of the system does not answer. Try again.",
    "DEADLINE_EXCEEDED": "The request took too long.",
    "INTERNAL": "Something went wrong on our side.",
    "CANCELLED": "The caller went away.",
}

# The code for each status of a reply that Envoy makes itself. Where the code's own status is another one
# (a 502 is a service that does not answer), callers get the code's.
_CODE_OF_STATUS: Sequence[tuple[str, int, str]] = (
    ("EQ", 404, "ROUTE_NOT_FOUND"),
    ("EQ", 405, "METHOD_NOT_ALLOWED"),
    ("EQ", 408, "DEADLINE_EXCEEDED"),
    ("EQ", 413, "BODY_TOO_LARGE"),
    ("EQ", 429, "RATE_LIMITED"),
    ("EQ", 431, "HEADERS_TOO_LARGE"),
    ("EQ", 502, "UNAVAILABLE"),
    ("EQ", 503, "UNAVAILABLE"),
    ("EQ", 504, "DEADLINE_EXCEEDED"),
)

# The code for a gRPC status that came without ErrorInfo: gRPC's own doing, never a service's decision.
GRPC_FALLBACKS: Mapping[int, str] = {
    1: "UNAVAILABLE",  # a server that stops cancels what it has not begun; a caller who left reads nothing
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    8: "UNAVAILABLE",
    14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}

# The gRPC status for an error without a readable body.
GRPC_CODES: Mapping[int, int] = {502: 14, 503: 14, 504: 4}

# The gRPC status of a native call that the gateway refuses, by the problem's HTTP status (AIP-193; to gRPC,
# what is too large is RESOURCE_EXHAUSTED, a method that is not there UNIMPLEMENTED).
GRPC_OF_STATUS: Mapping[int, int] = {
    400: 3,
    401: 16,
    403: 7,
    404: 12,
    413: 8,
    415: 12,
    429: 8,
    431: 8,
    500: 13,
    503: 14,
    504: 4,
}
# As services say it in their ErrorInfo (services/runtime/status.py).
ERROR_DOMAIN = "supportagent"


# Where the names of RFC 9110 are newer than Python's, or there is none.
_TITLES: Mapping[int, str] = {
    413: "Content Too Large",
    422: "Unprocessable Content",
    499: "Client Closed Request",
}


def title(status: int) -> str:
    """Return a status in words."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def local_reply_config(reasons: Sequence[ErrorReason]) -> dict[str, Any]:
    """Return Envoy's `local_reply_config`: a problem body for everything that Envoy itself answers."""
    statuses = {reason.code: reason.status for reason in reasons}
    mappers = [_as_it_is()]
    # A request that was refused before its headers were read has no id yet: it gets one with its answer.
    for request_id, condition in (("%UNIQUE_ID%", [_without_id()]), ("%REQ(X-REQUEST-ID)%", [])):
        for operator, status, code in (
            *_CODE_OF_STATUS,
            ("GE", 500, "INTERNAL"),
            ("GE", 400, "INVALID_ARGUMENT"),
        ):
            reply_filter = _all([*condition, _status(operator, status)])
            mappers.append(_mapper(reply_filter, code, statuses[code], request_id))
    return {"mappers": mappers}


def _as_it_is() -> dict[str, Any]:
    """What access (a denial) and the request check (Lua) answer is a problem body already."""
    return {
        "filter": {
            "extension_filter": {
                "name": "envoy.access_loggers.extension_filters.cel",
                "typed_config": {
                    "@type": "type.googleapis.com/"
                    "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                    "expression": "response.code_details in ['ext_authz_denied', 'lua_response']",
                },
            }
        },
        "body_format_override": {
            "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
            "content_type": PROBLEM,
        },
    }


def _status(operator: str, status: int) -> dict[str, Any]:
    value = {"default_value": status, "runtime_key": f"gateway.problem.{operator}.{status}"}
    return {"status_code_filter": {"comparison": {"op": operator, "value": value}}}


def _without_id() -> dict[str, Any]:
    return {
        "header_filter": {"header": {"name": "x-request-id", "present_match": True, "invert_match": True}}
    }


def _all(filters: list[dict[str, Any]]) -> dict[str, Any]:
    return filters[0] if len(filters) == 1 else {"and_filter": {"filters": filters}}


def _mapper(reply_filter: dict[str, Any], code: str, status: int, request_id: str) -> dict[str, Any]:
    headers = [("x-request-id", request_id)]
    if status in (429, 503):
        headers.append(("retry-after", "1"))
    return {
        "filter": reply_filter,
        "status_code": status,
        "body_format_override": {
            "json_format": {
                "type": "about:blank",
                "title": title(status),
                "status": status,
                "detail": TEXTS[code],
                "code": code,
                "request_id": "%RESP(X-REQUEST-ID)%",
                "errors": [],
            },
            "content_type": PROBLEM,
        },
        "headers_to_add": [
            {"header": {"key": key, "value": value}, "append_action": "ADD_IF_ABSENT"}
            for key, value in headers
        ],
    }
