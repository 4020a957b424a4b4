"""Key sets over HTTPS, from hosts that strangers name."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import httpcore

from gateway.access.domain.user_tokens.addresses import is_public
from gateway.access.domain.user_tokens.errors import KeySetUnavailable
from gateway.access.domain.user_tokens.jwks_url import JwksUrl, UnfitUrl

SECONDS = 5.0
MAX_BYTES = 1024 * 1024

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[Address]]

_OK = 200
_HEADERS = (("Accept", "application/jwk-set+json, application/json"), ("Accept-Encoding", "identity"))
_ERRORS = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    # Of certificates, and of names that are none.
    OSError,
    UnicodeError,
)


def addresses_of(host: str, port: int) -> list[Address]:
    """Return the addresses of a name as the machine resolves it; raise OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(each[4][0]) for each in found]


class HttpsKeySets:
    """
    A `KeySetSource`: one GET over a connection of its own.

    What the name resolves to is looked at once, all of it has to be allowed, and one of those addresses is
    connected to: a name that answers differently the second time gains nothing. Certificate and `Host` are
    the name's. No redirect is followed, no proxy of the environment is used.
    """

    def __init__(
        self,
        *,
        hosts: frozenset[str] = frozenset(),
        allows: Callable[[Address], bool] = is_public,
        resolve: Resolve = addresses_of,
        trust: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        """`hosts` are those that are allowed, empty: any; `trust` None: the usual authorities."""
        self._hosts = hosts
        self._allows = allows
        self._resolve = resolve
        self._trust = trust or httpcore.default_ssl_context()
        self._seconds = seconds

    def fetch(self, url: str) -> bytes:
        """Return what a URL answers with; raise KeySetUnavailable."""
        try:
            place = JwksUrl.parse(url, self._hosts)
        except UnfitUrl as unfit:
            raise KeySetUnavailable(f"the URL {unfit}") from None
        until = time.monotonic() + self._seconds
        backend = _Pinned(self._allowed(place, until), until)
        try:
            with httpcore.ConnectionPool(ssl_context=self._trust, network_backend=backend) as pool:
                return self._answer(pool, place)
        except _ERRORS as error:
            # Not its text: it may hold what the host said.
            raise KeySetUnavailable(f"the host fails: {type(error).__name__}") from None

    def _answer(self, pool: httpcore.ConnectionPool, place: JwksUrl) -> bytes:
        url = httpcore.URL(scheme="https", host=place.host, port=place.port, target=place.target)
        host = place.host if place.port == 443 else f"{place.host}:{place.port}"
        with pool.stream("GET", url, headers=[("Host", host), *_HEADERS]) as response:
            if response.status != _OK:
                raise KeySetUnavailable(f"the host answers with {response.status}")
            body = b""
            for part in response.iter_stream():
                body += part
                if len(body) > MAX_BYTES:
                    raise KeySetUnavailable("the answer is over 1 MiB")
            return body

    def _allowed(self, place: JwksUrl, until: float) -> Sequence[Address]:
        found = _within(until, lambda: self._resolve(place.host, place.port))
        if not found:
            raise KeySetUnavailable("the name has no address")
        if not all(self._allows(each) for each in found):
            raise KeySetUnavailable("the name has an address that is not public")
        return found


def _within(until: float, resolve: Callable[[], Sequence[Address]]) -> Sequence[Address]:
    """Return what `resolve` returns; nothing can end it, so that it is left alone when time is up."""
    found: list[Sequence[Address]] = []

    def run() -> None:
        try:
            found.append(resolve())
        except (OSError, UnicodeError):
            found.append([])

    thread = threading.Thread(target=run, name="resolve", daemon=True)
    thread.start()
    thread.join(max(0.0, until - time.monotonic()))
    return found[0] if found else []


class _Pinned(httpcore.NetworkBackend):
    """Connects to given addresses, whatever the name; each step has the time that is left of the whole."""

    def __init__(self, addresses: Sequence[Address], until: float) -> None:
        self._addresses = addresses
        self._until = until
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the addresses."""
        stream = self._network.connect_tcp(str(self._addresses[0]), port, timeout=_left(self._until))
        return _Limited(stream, self._until)


class _Limited(httpcore.NetworkStream):
    """A connection that ends when time is up, also for a host that sends a byte now and then."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._until))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._until))
        return _Limited(stream, self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time is up")
    return left
