"""Connections to addresses that were looked at before, with one deadline for all that is done on them."""

import ssl
import time
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore

from gateway.public_web.addresses import Address

# What a request can end in.
FAILURES = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    # Of certificates, and of names that are none.
    OSError,
    UnicodeError,
)


class Pinned(httpcore.NetworkBackend):
    """
    Connects to given addresses, whatever the name; each step has the time that is left of the whole.

    A name that answers differently the second time it is asked gains nothing: it is not asked again.
    """

    def __init__(self, addresses: Sequence[Address], until: float) -> None:
        """`until` is an instant of the monotonic clock."""
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
