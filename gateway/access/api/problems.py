"""Problem bodies (RFC 9457) of refused requests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.access.domain.decision import Refusal

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Problem:
    """A problem body without what differs from request to request; `{about}` stands for a refusal's words."""

    status: int
    title: str
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, about: str, request_id: str) -> bytes:
        """Return the body for one request."""
        body = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail.replace("{about}", about),
            "code": self.code,
            "request_id": request_id,
            "errors": [],
        }
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


# One text, however a credential is wrong: it helps nobody to guess. The log says which.
_UNAUTHENTICATED = Problem(
    401,
    "Unauthorized",
    "UNAUTHENTICATED",
    "No valid credential: send one header `Authorization: Bearer <key>` with a key that is in force.",
    {"www-authenticate": "Bearer"},
)
_PROBLEMS = {
    # A route without a rule is a mistake of ours; to callers it is not there.
    Refusal.ROUTE_WITHOUT_RULE: Problem(404, "Not Found", "ROUTE_NOT_FOUND", "There is no such route."),
    Refusal.PUBLISHABLE_KEY_REFUSED: Problem(
        403, "Forbidden", "PUBLISHABLE_KEY_REFUSED", "Publishable keys may not call this route."
    ),
    Refusal.ORIGIN_NOT_ALLOWED: Problem(
        403,
        "Forbidden",
        "ORIGIN_NOT_ALLOWED",
        "The request's `Origin` is not among those of this publishable key.",
    ),
    Refusal.PLAN_WITHOUT_API_ACCESS: Problem(
        403,
        "Forbidden",
        "PLAN_WITHOUT_API_ACCESS",
        "The plan `{about}` has no API access: secret keys work from the plan `growth` on.",
    ),
    Refusal.SCOPE_MISSING: Problem(403, "Forbidden", "SCOPE_MISSING", "The key lacks the scope `{about}`."),
    Refusal.RATE_LIMITED: Problem(
        429, "Too Many Requests", "RATE_LIMITED", "The limit of {about} is reached; see `Retry-After`."
    ),
    Refusal.QUOTA_EXCEEDED: Problem(
        429,
        "Too Many Requests",
        "QUOTA_EXCEEDED",
        "The {about} queries of this month are used up; see `Retry-After`.",
    ),
    Refusal.STORE_UNAVAILABLE: Problem(
        503,
        "Service Unavailable",
        "UNAVAILABLE",
        "Keys can't be checked at the moment.",
        {"retry-after": "1"},
    ),
    Refusal.OVERLOADED: Problem(
        503, "Service Unavailable", "UNAVAILABLE", "Too much to do at the moment.", {"retry-after": "1"}
    ),
}


def problem_of(refusal: Refusal) -> Problem:
    """Return the problem that a refusal is to callers."""
    return _PROBLEMS.get(refusal, _UNAUTHENTICATED)


def failure(detail: str) -> Problem:
    """Return the problem of a check that went wrong in a way that nobody foresaw."""
    return Problem(500, "Internal Server Error", "INTERNAL", detail)
