"""Decisions as Envoy wants them: headers for a request that passes, a problem body for one that does not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from envoy.service.auth.v3 import external_auth_pb2 as auth_pb2
from google.rpc import code_pb2, status_pb2

from gateway.access.domain.check import Denied, Passed, Refusal
from services.runtime.interceptors import caller
from services.runtime.settings import Secret

OVERWRITE_IF_EXISTS_OR_ADD = 2

# Services never see a key.
_REMOVED = ("authorization",)


@dataclass(frozen=True)
class Problem:
    """A problem body without what differs from request to request."""

    status: int
    title: str
    grpc_code: int
    code: str
    detail: str
    headers: Mapping[str, str]


# One text, however a credential is wrong: it helps nobody to guess. The log says which.
_UNAUTHENTICATED = Problem(
    401,
    "Unauthorized",
    code_pb2.UNAUTHENTICATED,
    "UNAUTHENTICATED",
    "No valid credential: send one header `Authorization: Bearer <key>` with a key that is in force.",
    {"www-authenticate": "Bearer"},
)
_SCOPE_MISSING = Problem(
    403,
    "Forbidden",
    code_pb2.PERMISSION_DENIED,
    "SCOPE_MISSING",
    "The key lacks the scope `{scope}`.",
    {},
)
_STORE_UNAVAILABLE = Problem(
    503,
    "Service Unavailable",
    code_pb2.UNAVAILABLE,
    "UNAVAILABLE",
    "Keys can't be checked at the moment.",
    {"retry-after": "1"},
)
_ROUTE_NOT_FOUND = Problem(
    404, "Not Found", code_pb2.NOT_FOUND, "ROUTE_NOT_FOUND", "There is no such route.", {}
)
_PROBLEMS = {
    Refusal.SCOPE_MISSING: _SCOPE_MISSING,
    Refusal.STORE_UNAVAILABLE: _STORE_UNAVAILABLE,
    # A route without a rule is a mistake of ours; to callers it is not there.
    Refusal.ROUTE_WITHOUT_RULE: _ROUTE_NOT_FOUND,
}


class PassedAnswers:
    """The answers for requests that may pass."""

    def __init__(self, credential: Secret) -> None:
        self._credential = credential
        # Answers differ by key alone, and a busy key's is the same all the time.
        self.answer = lru_cache(maxsize=4096)(self._answer)

    def _answer(self, passed: Passed) -> auth_pb2.CheckResponse:
        """Return the answer; every header is set, be it empty, so that none of the request's own survives."""
        headers = {
            caller.WORKSPACE: passed.workspace_id,
            caller.KEY: passed.key_id,
            caller.SCOPES: " ".join(passed.scopes),
            caller.ENVIRONMENT: passed.environment,
            caller.CREDENTIAL: self._credential.reveal(),
        }
        return auth_pb2.CheckResponse(
            status=status_pb2.Status(code=code_pb2.OK),
            ok_response=auth_pb2.OkHttpResponse(headers=_headers(headers), headers_to_remove=_REMOVED),
        )


def denied(decision: Denied, request_id: str) -> auth_pb2.CheckResponse:
    """Return the answer for a request that may not pass."""
    problem = _PROBLEMS.get(decision.refusal, _UNAUTHENTICATED)
    return _problem(problem, problem.detail.format(scope=decision.scope), request_id)


def failed(detail: str, request_id: str) -> auth_pb2.CheckResponse:
    """Return the answer for a request whose check went wrong in a way that nobody foresaw."""
    problem = Problem(500, "Internal Server Error", code_pb2.INTERNAL, "INTERNAL", detail, {})
    return _problem(problem, detail, request_id)


def _problem(problem: Problem, detail: str, request_id: str) -> auth_pb2.CheckResponse:
    body = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "code": problem.code,
        "request_id": request_id,
        "errors": [],
    }
    return auth_pb2.CheckResponse(
        status=status_pb2.Status(code=problem.grpc_code),
        denied_response=auth_pb2.DeniedHttpResponse(
            status=auth_pb2.HttpStatus(code=problem.status),
            headers=_headers({"content-type": "application/problem+json", **problem.headers}),
            body=json.dumps(body, separators=(",", ":"), ensure_ascii=False),
        ),
    )


def _headers(headers: Mapping[str, str]) -> list[auth_pb2.HeaderValueOption]:
    return [
        auth_pb2.HeaderValueOption(
            header=auth_pb2.HeaderValue(key=key, value=value), append_action=OVERWRITE_IF_EXISTS_OR_ADD
        )
        for key, value in headers.items()
    ]
