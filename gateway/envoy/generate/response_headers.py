"""What callers read in the headers of answers, for the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}

_REQUEST_ID = "X-Request-Id"
_HEADERS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    _REQUEST_ID: (_TEXT, "The request's id; support will ask for it."),
    "RateLimit-Policy": (
        _TEXT,
        'The limits that the request was held against, such as `"workspace";q=600;w=60`: q requests in w '
        "seconds (draft-ietf-httpapi-ratelimit-headers-11).",
    ),
    "RateLimit": (
        _TEXT,
        'Where each of them stands, such as `"workspace";r=599;t=1`: r requests are left, in t seconds it is '
        "whole again.",
    ),
    "X-RateLimit-Limit": (_COUNT, "Requests by the minute, of the limit that is nearest."),
    "X-RateLimit-Remaining": (_COUNT, "What is left of it."),
    "X-RateLimit-Reset": (_COUNT, "Seconds until it is whole again."),
    "Quota-Warning": (
        _TEXT,
        "Quotas of which 80 % or more are used, such as "
        "`queries;used=8012;limit=10000;reset=2026-12-01T00:00:00Z`, separated by commas.",
    ),
    "Retry-After": ({"type": "integer", "minimum": 1}, "Seconds to wait."),
    "WWW-Authenticate": (_TEXT, "`Bearer`."),
}
_OF_LIMITS = tuple(name for name in _HEADERS if "RateLimit" in name or name == "Quota-Warning")
_OF_STATUS: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def documented_headers() -> dict[str, Any]:
    """Return the headers by name, as components of the document."""
    return {
        name: {"description": text, "required": name == _REQUEST_ID, "schema": dict(schema)}
        for name, (schema, text) in _HEADERS.items()
    }


def header_references(*, limited: bool, status: int = 200) -> dict[str, Any]:
    """Return the headers that an answer can have; `limited`: limits may have been looked at."""
    names = (_REQUEST_ID, *(_OF_LIMITS if limited else ()), *_OF_STATUS.get(status, ()))
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
