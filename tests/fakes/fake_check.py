"""The check behind every request, for a gateway under test: an HTTP server that knows a few keys."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from gateway.envoy.generate import Address

CREDENTIAL = "the-internal-credential"
KEY = "sk_live_good"
READ_ONLY_KEY = "sk_live_readonly"
LIMITED_KEY = "sk_live_limited"
WIDGET_KEY = "pk_live_widget"
OPERATOR_TOKEN = "operator-token"
ALL_SCOPES = "query knowledge:read knowledge:write conversations:read conversations:write"

LIMITS = {
    "ratelimit-policy": '"workspace";q=600;w=60',
    "ratelimit": '"workspace";r=599;t=1',
    "x-ratelimit-limit": "600",
    "x-ratelimit-remaining": "599",
    "x-ratelimit-reset": "1",
    "quota-warning": "queries;used=8012;limit=10000;reset=2026-12-01T00:00:00Z",
}

_SCOPES = {KEY: ALL_SCOPES, READ_ONLY_KEY: "knowledge:read"}


@dataclass(frozen=True)
class CheckRequest:
    """What Envoy asked; a header that came several times is a list joined with " & "."""

    method: str
    path: str
    headers: Mapping[str, str]

    @property
    def rule(self) -> list[str]:
        """The parts of the route's rule: audience, scope, publishable, meter, route."""
        return self.headers.get("x-route-rule", "||||").split("|")


@dataclass(frozen=True)
class CheckAnswer:
    """What access says: 200 lets the request pass."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Decide = Callable[[CheckRequest], CheckAnswer]


class FakeCheck:
    """
    Listens on a port of its own from `start` to `stop`.

    For the tests: `requests`, and the workspaces of requests that were `no_queries` after all.
    """

    def __init__(self) -> None:
        self.requests: list[CheckRequest] = []
        self.no_queries: list[str] = []
        self._decide: Decide = decide
        self._server = _server_of(self._answer)
        self.address = Address("127.0.0.1", self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def on(self, decide: Decide) -> None:
        """Let it decide in another way until `reset`."""
        self._decide = decide

    def reset(self) -> None:
        """Forget the requests, and decide as usual."""
        self.requests.clear()
        self.no_queries.clear()
        self._decide = decide

    @property
    def last(self) -> CheckRequest:
        """The newest request."""
        return self.requests[-1]

    def _answer(self, request: CheckRequest) -> CheckAnswer:
        if request.headers.get("x-internal-credential") == CREDENTIAL and "x-no-query" in request.headers:
            self.no_queries.append(request.headers["x-no-query"])
            return CheckAnswer(204)
        self.requests.append(request)
        return self._decide(request)


def decide(request: CheckRequest) -> CheckAnswer:
    """Decide by the route's rule and the fixed keys."""
    audience, scope, publishable, _, _ = request.rule
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    request_id = request.headers.get("x-request-id", "")
    if request.headers.get("x-internal-credential") != CREDENTIAL:
        return CheckAnswer(403)
    if audience == "anyone":
        return passed()
    if audience == "operator":
        if token == OPERATOR_TOKEN:
            return passed({"x-key-id": "operator"})
        return denied(401, "UNAUTHENTICATED", request_id)
    if audience == "nobody" and token not in _SCOPES:
        return passed()
    if token == LIMITED_KEY:
        return denied(429, "RATE_LIMITED", request_id, {**LIMITS, "retry-after": "7"})
    if token == WIDGET_KEY:
        if publishable != "true":
            return denied(403, "PUBLISHABLE_KEY_REFUSED", request_id)
        headers = {**_caller("", "publishable"), **LIMITS, "vary": "Origin"}
        return passed({**headers, "access-control-allow-origin": request.headers.get("origin", "")})
    if token not in _SCOPES:
        return denied(401, "UNAUTHENTICATED", request_id, {"www-authenticate": "Bearer"})
    if scope and scope not in _SCOPES[token].split():
        return denied(403, "SCOPE_MISSING", request_id, LIMITS)
    return passed({**_caller(_SCOPES[token], "secret"), **LIMITS})


def passed(headers: Mapping[str, str] | None = None) -> CheckAnswer:
    """Return the answer that lets a request pass with these headers, and an empty one for each other."""
    nobody = dict.fromkeys(("x-workspace-id", "x-key-id", "x-scopes", "x-environment", "x-key-kind"), "")
    return CheckAnswer(200, {**nobody, **(headers or {})})


def denied(status: int, code: str, request_id: str, headers: Mapping[str, str] | None = None) -> CheckAnswer:
    """Return a refusal with a whole problem body, as access makes it."""
    problem = {
        "type": "about:blank",
        "title": "Denied",
        "status": status,
        "detail": "Access says no.",
        "code": code,
        "request_id": request_id,
        "errors": [],
    }
    more = {"content-type": "application/problem+json", **(headers or {})}
    return CheckAnswer(status, more, json.dumps(problem).encode())


def _caller(scopes: str, kind: str) -> dict[str, str]:
    return {
        "x-workspace-id": "ws_1",
        "x-key-id": "key_1",
        "x-scopes": scopes,
        "x-environment": "live",
        "x-key-kind": kind,
    }


def _server_of(answer: Callable[[CheckRequest], CheckAnswer]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        served: ClassVar[Callable[[CheckRequest], CheckAnswer]] = staticmethod(answer)

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            headers = {name.lower(): " & ".join(self.headers.get_all(name, [])) for name in self.headers}
            said = type(self).served(CheckRequest(self.command, self.path, headers))
            self.send_response_only(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    return Server(("127.0.0.1", 0), Handler)
