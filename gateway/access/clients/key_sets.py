"""Key sets over HTTPS, from hosts that strangers name."""

import ssl
import time
from collections.abc import Callable, Sequence

import httpcore

from gateway.access.domain.user_tokens.errors import KeySetUnavailable
from gateway.access.domain.user_tokens.jwks_url import JwksUrl, UnfitUrl
from gateway.public_web.addresses import Address, Resolve, addresses_of, is_public, resolved
from gateway.public_web.pinned import FAILURES, Pinned

SECONDS = 5.0
MAX_BYTES = 1024 * 1024

_OK = 200
_HEADERS = (("Accept", "application/jwk-set+json, application/json"), ("Accept-Encoding", "identity"))


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
        backend = Pinned(self._allowed(place, until), until)
        try:
            with httpcore.ConnectionPool(ssl_context=self._trust, network_backend=backend) as pool:
                return self._answer(pool, place)
        except FAILURES as error:
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
        found = resolved(self._resolve, place.host, place.port, until)
        if not found:
            raise KeySetUnavailable("the name has no address")
        if not all(self._allows(each) for each in found):
            raise KeySetUnavailable("the name has an address that is not public")
        return found
