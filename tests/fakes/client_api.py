"""A small stand-in for the gateway, in memory: what the public client and its command line speak to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

Answer = tuple[int, Any, dict[str, str]]


class FakeApi:
    """
    Documents, operations, keys, settings, audit and answers of one workspace.

    `troubles` are answers or exceptions to give before the real ones; `requests` is what came in.
    Documents are indexed after `polls_until_indexed` looks at their operation; operations of the kinds in
    `failing` fail.
    """

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.operations: dict[str, dict[str, Any]] = {}
        self.workspaces: list[dict[str, Any]] = []
        self.keys: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.tokens: list[str] = []
        self.troubles: list[Answer | Exception] = []
        self.refused: dict[str, tuple[str, str]] = {}
        self.failing: set[str] = set()
        self.polls_until_indexed = 1
        self.page_size = 2
        self.events: list[dict[str, Any]] = []
        self.answering: dict[str, Any] = {}
        self.audit: list[dict[str, Any]] = []
        self.user_keys: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answers for httpx.MockTransport."""
        content = request.content.decode()
        status, body, headers = self.answer(
            request.method, str(request.url.raw_path.decode()), content, request.headers["authorization"]
        )
        if isinstance(body, str):
            return httpx.Response(status, text=body, headers=headers)
        return httpx.Response(status, json=body, headers=headers)

    def answer(self, method: str, target: str, content: str, authorization: str) -> Answer:
        """Answers one request."""
        body: Any = json.loads(content) if content else None
        self.requests.append((method, target, body))
        self.tokens.append(authorization.removeprefix("Bearer "))
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        url = urlsplit(target)
        params = dict(parse_qsl(url.query))
        routes: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", "/v1/knowledge/documents"): lambda: self._page(list(self.documents.values()), params),
            ("POST", "/v1/knowledge/documents/batch"): lambda: self._batch(body),
            ("POST", "/v1/knowledge/reindex"): lambda: self._accepted("reindex"),
            ("POST", "/v1/knowledge/reindex/rollback"): lambda: self._accepted("reindex_rollback"),
            ("GET", "/v1/knowledge/index"): lambda: (200, {"documents": 1, "replicas": []}, {}),
            ("POST", "/v1/query/stream"): self._stream,
            ("GET", "/operator/v1/workspaces"): lambda: self._page(self.workspaces, params),
            ("POST", "/operator/v1/workspaces"): lambda: self._workspace(body),
            ("GET", "/operator/v1/keys"): lambda: self._page(self.keys, params),
            ("POST", "/operator/v1/keys"): lambda: self._key(body),
            ("GET", "/operator/v1/audit"): lambda: self._page(self.audit, params),
            ("GET", "/operator/v1/user-keys"): lambda: self._page(self.user_keys, params),
            ("POST", "/operator/v1/user-keys"): lambda: self._user_key(body),
        }
        route = routes.get((method, url.path))
        if route:
            return route()
        if url.path.startswith("/operator/v1/workspaces/") and url.path.endswith("/answering"):
            return self._answering(url.path.split("/")[-2], body)
        name = url.path.rsplit("/", 1)[-1]
        if url.path.startswith("/operator/v1/workspaces/"):
            return self._changed(name, method, body)
        if url.path.startswith("/operator/v1/keys/") and name == "rotate":
            return self._key({"rotated": url.path.split("/")[-2], **body})
        if url.path.startswith("/operator/v1/user-keys/") and name == "disable":
            return self._disabled(url.path.split("/")[-2])
        if url.path.startswith("/v1/knowledge/operations/"):
            return 200, self._poll(self.operations[name]), {}
        if method == "DELETE" and url.path.startswith("/v1/knowledge/documents/"):
            return self._delete(name)
        if url.path.startswith("/v1/knowledge/documents/"):
            found = [each for each in self.documents.values() if each["id"] == name]
            for each in found:
                self._settle(each)
                return 200, each, {}
        return problem(404, "ROUTE_NOT_FOUND", "No such route.")

    def _page(self, items: list[dict[str, Any]], params: dict[str, str]) -> Answer:
        start = int(params.get("page_token", "0"))
        end = start + self.page_size
        token = str(end) if end < len(items) else ""
        return 200, {"items": items[start:end], "next_page_token": token}, {}

    def _batch(self, body: dict[str, Any]) -> Answer:
        errors: list[dict[str, Any]] = []
        unchanged = 0
        for index, given in enumerate(body["documents"]):
            name: str = given["external_id"]
            if name in self.refused:
                code, detail = self.refused[name]
                errors.append({"index": index, "external_id": name, "code": code, "detail": detail})
                continue
            sha256 = hashlib.sha256(given["content"].encode()).hexdigest()
            fields: dict[str, Any] = {key: value for key, value in given.items() if key != "content"}
            document: dict[str, Any] = {
                "id": f"doc_{len(self.documents)}",
                "url": "",
                "active": True,
                **fields,
            }
            document = {**document, "content_sha256": sha256, "status": "queued"}
            if name in self.documents:
                document["id"] = self.documents[name]["id"]
                unchanged += document == {**self.documents[name], "status": "queued"}
            self.documents[name] = document
        operation: dict[str, Any] = {
            "id": f"op_{len(self.operations)}",
            "status": "running",
            "total": len(body["documents"]),
            "done": 0,
            "failed": len(errors),
            "errors": errors,
            "unchanged": unchanged,
            "polls": 0,
        }
        self.operations[operation["id"]] = operation
        return 202, operation, {}

    def _delete(self, document_id: str) -> Answer:
        for name, document in self.documents.items():
            if document["id"] == document_id:
                del self.documents[name]
                return self._accepted("document_delete")
        return problem(404, "DOCUMENT_NOT_FOUND", "There is no such document.")

    def _accepted(self, kind: str) -> Answer:
        operation_id = f"op_{len(self.operations)}"
        counts = {"total": 1, "done": 0, "failed": int(kind in self.failing), "polls": 0}
        self.operations[operation_id] = {"id": operation_id, "kind": kind, "status": "running", **counts}
        return 202, self.operations[operation_id], {}

    def _poll(self, operation: dict[str, Any]) -> dict[str, Any]:
        operation["polls"] += 1
        if operation["polls"] >= self.polls_until_indexed:
            operation["done"] = operation["total"] - operation["failed"]
            operation["status"] = "partially_failed" if operation["failed"] else "succeeded"
            for document in self.documents.values():
                self._settle(document)
        return operation

    def _settle(self, document: dict[str, Any]) -> None:
        if document["status"] == "queued":
            document["status"] = "indexed"

    def _stream(self) -> Answer:
        lines = "".join(f"data: {json.dumps(event)}\n\n" for event in self.events)
        return 200, lines, {"content-type": "text/event-stream"}

    def _workspace(self, body: dict[str, Any]) -> Answer:
        number = len(self.workspaces)
        twin = {"test_workspace_id": f"ws_test_{number}"}
        workspace = {"id": f"ws_{number}", "created_at": "2026-01-01T00:00:00Z", **twin, **body}
        self.workspaces.append(workspace)
        return 201, workspace, {}

    def _changed(self, name: str, method: str, body: dict[str, Any] | None) -> Answer:
        workspace = next(each for each in self.workspaces if each["name"] == name)
        workspace |= {"deleted_at": "2026-01-02T00:00:00Z"} if method == "DELETE" else (body or {})
        return 200, {"limits": {}, **workspace}, {}

    def _answering(self, workspace_id: str, body: dict[str, Any] | None) -> Answer:
        self.answering.update(body or {})
        return 200, {"workspace_id": workspace_id, **self.answering}, {}

    def _key(self, body: dict[str, Any]) -> Answer:
        key = {"id": f"key_{len(self.keys)}", "key": "sk_live_secret", "prefix": "sk_live_ab", **body}
        self.keys.append({name: value for name, value in key.items() if name != "key"})
        return 201, key, {}

    def _user_key(self, body: dict[str, Any]) -> Answer:
        key = {"kid": f"uk_{len(self.user_keys)}", "iss": "acme", "aud": "ws_1", **body}
        self.user_keys.append(key)
        return 201, {**key, **({"secret": "the-secret"} if body["alg"] == "HS256" else {})}, {}

    def _disabled(self, kid: str) -> Answer:
        key = next(each for each in self.user_keys if each["kid"] == kid)
        key["disabled_at"] = "2026-01-02T00:00:00Z"
        return 200, key, {}


class FakeApiServer:
    """The fake on a real port of the loopback interface, for the command line."""

    def __init__(self, api: FakeApi) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _respond(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                status, body, headers = api.answer(
                    self.command, self.path, self.rfile.read(length).decode(), self.headers["authorization"]
                )
                payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(payload))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _respond  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keeps the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeApiServer:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def problem(status: int, code: str, detail: str, **more: Any) -> Answer:
    """A problem body as an answer."""
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code}
    return status, {**body, "request_id": "req-1", **more}, {"content-type": "application/problem+json"}
