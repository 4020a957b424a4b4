"""Decisions as Envoy wants them: headers for a request that passes, a problem body for one that does not."""

import math
from dataclasses import dataclass
from functools import lru_cache

from gateway.access.api import problems
from gateway.access.api.problems import CONTENT_TYPE, Problem
from gateway.access.api.rate_headers import Headers, headers_of
from gateway.access.domain.decision import Denied, Passed
from services.runtime.interceptors import caller

OPERATOR_KEY_ID = "operator"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; the names of headers are in lower case."""

    status: int
    headers: Headers
    body: bytes = b""


def passed(decision: Passed) -> Answer:
    """
    Return the answer that lets a request pass.

    Every header of the caller is there, be it empty, so that none of the request's own survives.
    """
    key = decision.key
    if key is None:
        headers = _caller("", OPERATOR_KEY_ID if decision.operator else "", (), "", "")
    else:
        headers = _caller(key.workspace_id, key.id, key.scopes, key.environment, key.kind)
    if decision.standing is None:
        return Answer(200, list(headers))
    return Answer(200, [*headers, *headers_of(decision.standing)])


def denied(decision: Denied, request_id: str) -> Answer:
    """Return the answer for a request that may not pass."""
    headers = [] if decision.standing is None else headers_of(decision.standing)
    if decision.retry_after is not None:
        # Whole seconds, and never too few of them.
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(decision.retry_after))))
    return _told(problems.problem_of(decision.refusal), decision.about, request_id, headers)


def failed(detail: str, request_id: str) -> Answer:
    """Return the answer for a request whose check went wrong in a way that nobody foresaw."""
    return _told(problems.failure(detail), "", request_id, [])


def stranger() -> Answer:
    """Return the answer for who is no gateway: nothing is said."""
    return Answer(404, [(b"content-length", b"0")])


def noted() -> Answer:
    """Return the answer to a message that asks for nothing."""
    return Answer(204, [])


# A busy key's headers are the same all the time.
@lru_cache(maxsize=4096)
def _caller(
    workspace_id: str, key_id: str, scopes: tuple[str, ...], environment: str, kind: str
) -> tuple[tuple[bytes, bytes], ...]:
    headers = {
        caller.WORKSPACE: workspace_id,
        caller.KEY: key_id,
        caller.SCOPES: " ".join(scopes),
        caller.ENVIRONMENT: environment,
        caller.KEY_KIND: kind,
        "content-length": "0",
    }
    return tuple((name.encode(), value.encode()) for name, value in headers.items())


def _told(problem: Problem, about: str, request_id: str, headers: Headers) -> Answer:
    body = problem.body(about, request_id)
    return Answer(
        problem.status,
        [
            *headers,
            *((name.encode(), value.encode()) for name, value in problem.headers.items()),
            (b"content-type", CONTENT_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
        ],
        body,
    )
