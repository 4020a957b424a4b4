"""One of Envoy's connections to the check: questions over HTTP/1.1, one after the other."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import httptools

from gateway.access.api.answers import Answer

Handler = Callable[[Mapping[bytes, bytes]], Answer | Coroutine[Any, Any, Answer]]

# More than Envoy lets through; a stranger must not fill the memory.
_MOST_BYTES = 256 * 1024

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class _Question(NamedTuple):
    headers: Mapping[bytes, bytes]
    # An answer to HEAD is its headers alone.
    wants_body: bool


class CheckConnection(asyncio.Protocol):
    """
    Reads questions and writes their answers.

    Neither the path nor the body of a question says anything. Who sends the next one before the last is
    answered waits for it.
    """

    def __init__(self, handler: Handler, open_connections: "set[CheckConnection]") -> None:
        """`open_connections` has this one in it as long as it is open."""
        self._handler = handler
        self._open = open_connections
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._unread = 0
        self._answering: asyncio.Task[None] | None = None
        self._waiting: list[_Question] = []
        self._last = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._open.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """End; what is being decided is decided for nobody."""
        self._open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.close()
            return
        if self._unread > _MOST_BYTES:
            self._transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header; the values of one that is repeated are joined by commas (RFC 9110)."""
        name, headers = name.lower(), self._headers
        headers[name] = headers[name] + b"," + value if name in headers else value

    def on_message_complete(self) -> None:
        """Answer, or remember the question until the one before is answered."""
        question = _Question(self._headers, self._parser.get_method() != b"HEAD")
        self._headers, self._unread = {}, 0
        self._last = self._last or not self._parser.should_keep_alive()
        if self._answering is None:
            self._answer(question)
        else:
            self._waiting.append(question)
            self._transport.pause_reading()

    def finish(self) -> None:
        """Answer what was asked and end."""
        self._last = True
        if self._answering is None:
            self._transport.close()

    def abort(self) -> None:
        """End at once."""
        self._transport.abort()

    def _answer(self, question: _Question) -> None:
        answer = self._handler(question.headers)
        if isinstance(answer, Answer):
            self._write(answer, question)
        else:
            later = self._answer_later(answer, question)
            self._answering = asyncio.get_running_loop().create_task(later)

    async def _answer_later(self, coming: Coroutine[Any, Any, Answer], question: _Question) -> None:
        answer = await coming
        self._answering = None
        self._write(answer, question)
        while self._waiting and self._answering is None:
            self._answer(self._waiting.pop(0))
        if not self._waiting:
            self._transport.resume_reading()

    def _write(self, answer: Answer, question: _Question) -> None:
        if self._transport.is_closing():
            return
        lines = [name + b": " + value + b"\r\n" for name, value in answer.headers]
        body = answer.body if question.wants_body else b""
        self._transport.write(b"".join((_STATUS_LINES[answer.status], *lines, b"\r\n", body)))
        if self._last and not self._waiting:
            self._transport.close()
