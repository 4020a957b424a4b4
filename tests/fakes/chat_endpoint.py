"""A server of OpenAI's chat protocol on the loopback, which does what a test tells it to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from services.query.domain.settings.language_model import LanguageModel


@dataclass(frozen=True)
class Reply:
    """
    What the server does with one request.

    Status 200 streams `pieces`, or answers with them as one JSON where the request wants no stream. `finish`
    None ends without a reason; `then` is `drop` to cut the connection, `hang` to say no more, or nothing.
    `body` takes the place of all that, as it is.
    """

    pieces: tuple[str, ...] = ()
    finish: str | None = "stop"
    status: int = 200
    then: str = ""
    body: bytes | None = None
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; the names of its headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def says(*pieces: str, finish: str | None = "stop", then: str = "", pause: float = 0.0) -> Reply:
    """Return a reply of these pieces, with a pause before each."""
    return Reply(pieces=pieces, finish=finish, then=then, pause=pause)


def fails(status: int, *, code: str = "", param: str = "", **headers: str) -> Reply:
    """Return a refusal, as the protocol words it."""
    error = {"message": "endpoint-words", "type": "error", "code": code or None, "param": param or None}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body=json.dumps({"error": error}).encode(), headers=names)


def sends(body: str | bytes, content_type: str = "text/event-stream") -> Reply:
    """Return a reply of these very bytes."""
    return Reply(body=body.encode() if isinstance(body, str) else body, content_type=content_type)


class FakeChatEndpoint:
    """Replies in turn, the last one for ever; `asked` holds what arrived."""

    def __init__(self, *replies: Reply) -> None:
        self.asked: list[Asked] = []
        self.closing = Event()
        # Set once a reply could not be written to its end, the other side being gone.
        self.abandoned = Event()
        self._replies = list(replies)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def base_url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def model(self, **settings: Any) -> LanguageModel:
        """Return settings that lead to it."""
        given: dict[str, Any] = {"key": "sk-secret", "timeout_seconds": 10.0, "retries": 0} | settings
        return LanguageModel(self.base_url, "fake-model", **given)

    def close(self) -> None:
        """Let go of what hangs, and end."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next_reply(self) -> Reply:
        """Return what to do with the next request."""
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                endpoint.asked.append(Asked(self.path, headers, body))
                try:
                    _Replying(self, endpoint, endpoint.next_reply()).run(stream=body.get("stream", False))
                except OSError:
                    endpoint.abandoned.set()
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        return Handler


class _Replying:
    def __init__(self, handler: BaseHTTPRequestHandler, endpoint: FakeChatEndpoint, reply: Reply) -> None:
        self._handler = handler
        self._endpoint = endpoint
        self._reply = reply

    def run(self, *, stream: bool) -> None:
        """Do it."""
        reply = self._reply
        if reply.body is not None:
            self._whole(reply.body, reply.content_type or "application/json")
        elif stream:
            self._stream()
        else:
            message = {"role": "assistant", "content": "".join(reply.pieces)}
            choice = {"index": 0, "message": message, "finish_reason": reply.finish}
            self._whole(json.dumps(_completion(choice)).encode(), "application/json")

    def _whole(self, body: bytes, content_type: str) -> None:
        self._handler.send_response(self._reply.status)
        for name, value in self._reply.headers.items():
            self._handler.send_header(name, value)
        self._handler.send_header("content-type", content_type)
        self._handler.send_header("content-length", str(len(body)))
        self._handler.end_headers()
        self._handler.wfile.write(body)

    def _stream(self) -> None:
        self._handler.send_response(200)
        self._handler.send_header("content-type", "text/event-stream")
        self._handler.send_header("transfer-encoding", "chunked")
        self._handler.end_headers()
        for piece in self._reply.pieces:
            self._endpoint.closing.wait(self._reply.pause)
            self._event({"index": 0, "delta": {"content": piece}, "finish_reason": None})
        if self._reply.then == "hang":
            self._endpoint.closing.wait()
        if self._reply.then:
            self._handler.close_connection = True
            return
        if self._reply.finish is not None:
            self._event({"index": 0, "delta": {}, "finish_reason": self._reply.finish})
            self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(self, choice: dict[str, Any]) -> None:
        self._chunk(b"data: " + json.dumps(_completion(choice)).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self._handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self._handler.wfile.flush()


def _completion(choice: dict[str, Any]) -> dict[str, Any]:
    return {"id": "chat-1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}


@contextmanager
def chat_endpoint(*replies: Reply) -> Iterator[FakeChatEndpoint]:
    """Run a server for the time of a test."""
    endpoint = FakeChatEndpoint(*replies)
    try:
        yield endpoint
    finally:
        endpoint.close()
