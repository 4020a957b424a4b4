"""The connections to chat endpoints: nothing of this process's environment goes with them."""

import logging
from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock

import httpx2
from openai import OpenAI

from services.query.domain.settings.language_model import LanguageModel

_MOST_CLIENTS = 64
_MOST_CONNECTIONS = 64
_MOST_ANSWER_BYTES = 8 * 1024 * 1024
_NO_KEY = "none"  # the library wants one; it is not sent
_SENT = frozenset(
    {"accept", "authorization", "connection", "content-length", "content-type", "host", "user-agent"}
)


class Clients:
    """A client per endpoint and key, over one pool of connections. Safe to share between threads."""

    def __init__(self) -> None:
        # At debug level they log what was asked.
        for name in ("openai", "httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._http = httpx2.Client(
            transport=_Bounded(),
            # Proxies and certificates of the environment are not a workspace's.
            trust_env=False,
            # An endpoint could send us, and the key, anywhere.
            follow_redirects=False,
            event_hooks={"request": [_only_ours]},
        )
        self._clients: OrderedDict[tuple[str, str], OpenAI] = OrderedDict()
        self._lock = Lock()

    def of(self, model: LanguageModel) -> OpenAI:
        """Return the client of a model's endpoint."""
        name = (model.base_url, model.key)
        with self._lock:
            client = self._clients.pop(name, None) or self._made(model)
            self._clients[name] = client
            while len(self._clients) > _MOST_CLIENTS:
                self._clients.popitem(last=False)
        return client

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _made(self, model: LanguageModel) -> OpenAI:
        # Given in full: what is left out, the library takes from the environment.
        return OpenAI(
            api_key=model.key or _NO_KEY,
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
            base_url=model.base_url,
            # It would wait longer than whoever asks, and then ask for nobody.
            max_retries=0,
            default_headers={"Authorization": f"Bearer {model.key or _NO_KEY}"},
            http_client=self._http,
        )


def _only_ours(request: httpx2.Request) -> None:
    """Take off what the library adds about this machine, and what it found in the environment."""
    for name in set(request.headers) - _SENT:
        del request.headers[name]
    if request.headers.get("authorization") == f"Bearer {_NO_KEY}":
        del request.headers["authorization"]


class _Bounded(httpx2.HTTPTransport):
    """Connections that end an answer which grows beyond reason."""

    def __init__(self) -> None:
        super().__init__(
            trust_env=False,
            limits=httpx2.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=16),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request."""
        response = super().handle_request(request)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _BoundedStream(response.stream)
        return response


class _BoundedStream(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._stream:
            size += len(part)
            if size > _MOST_ANSWER_BYTES:
                raise httpx2.ReadError("the answer is too long")
            yield part

    def close(self) -> None:
        """Close the answer."""
        self._stream.close()
