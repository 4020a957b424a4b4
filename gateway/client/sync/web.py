"""Fetching from the public web what strangers' pages name."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpcore
import httpx

from gateway.public_web.addresses import Address, Resolve, addresses_of, is_public, resolved
from gateway.public_web.pinned import FAILURES, Pinned

AGENT = "supportagent-sync"
USER_AGENT = f"{AGENT}/1"
SECONDS = 30.0
MAX_REDIRECTS = 5

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class NotFetched(Exception):
    """
    A URL that gave nothing, and why.

    `status` is that of the answer; 0: none was asked for, or none came.
    """

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


@dataclass(frozen=True)
class Fetched:
    """What a URL answered with, redirects followed; header names are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Web:
    """
    One GET at a time, each over a connection of its own.

    Every address that a name has must be public, and one of those looked at is connected to, so that no name
    leads into a private network, not even one that changes its mind; the same holds for each redirect, of
    which none leads from https to http. No proxy of the environment is used, no cookie kept, no credential
    sent. Time and size are limited for the whole of it.
    """

    def __init__(
        self,
        *,
        allows: Callable[[Address], bool] = is_public,
        resolve: Resolve = addresses_of,
        trust: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        """`trust` None: the usual authorities."""
        self._allows = allows
        self._resolve = resolve
        self._trust = trust or httpcore.default_ssl_context()
        self._seconds = seconds

    def fetch(
        self,
        url: str,
        *,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        may: Callable[[str], bool] = lambda _: True,
    ) -> Fetched:
        """
        Returns what a URL answers with, whatever its status; `may` is asked before a redirect is followed.

        Raises:
            NotFetched: the URL is none that may be fetched, or no whole answer of at most `max_bytes` came.
        """
        until = time.monotonic() + self._seconds
        place = _place(url)
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._get(place, until, max_bytes, headers or {})
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            place = _redirected(place, answer.headers["location"])
            if not may(str(place)):
                raise NotFetched("It redirects to where robots may not go.")
        raise NotFetched(f"It redirects more than {MAX_REDIRECTS} times.")

    def _get(self, place: httpx.URL, until: float, max_bytes: int, headers: Mapping[str, str]) -> Fetched:
        host, port = place.raw_host.decode("ascii"), place.port or _PORTS[place.scheme]
        found = resolved(self._resolve, host, port, until)
        if not found:
            raise NotFetched("Its host has no address.")
        if not all(self._allows(each) for each in found):
            raise NotFetched("Its host is not on the public internet.")
        sent = {
            "Host": place.netloc.decode("ascii"),
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            **headers,
        }
        try:
            with (
                httpcore.ConnectionPool(
                    ssl_context=self._trust, network_backend=Pinned(found, until)
                ) as pool,
                pool.stream("GET", _core(place, host, port), headers=list(sent.items())) as response,
            ):
                names = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                if names.get("content-encoding", "identity").lower() != "identity":
                    raise NotFetched("It answers in an encoding that was not asked for.", response.status)
                body = bytearray()
                for part in response.iter_stream():
                    body += part
                    if len(body) > max_bytes:
                        raise NotFetched(f"It has more than {max_bytes:,} bytes.", response.status)
                return Fetched(str(place), response.status, names, bytes(body))
        except FAILURES as failure:
            raise NotFetched(f"Its host fails: {type(failure).__name__}.") from None


def _core(place: httpx.URL, host: str, port: int) -> httpcore.URL:
    return httpcore.URL(scheme=place.scheme, host=host, port=port, target=place.raw_path.decode("ascii"))


def _place(url: str) -> httpx.URL:
    try:
        place = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise NotFetched("It is no URL.") from None
    if place.scheme not in _PORTS or not place.raw_host:
        raise NotFetched("It is no http or https URL.")
    if place.userinfo:
        raise NotFetched("It holds a user or a password.")
    return place.copy_with(fragment=None)


def _redirected(place: httpx.URL, location: str) -> httpx.URL:
    try:
        following = _place(str(place.join(location)))
    except (httpx.InvalidURL, ValueError):
        raise NotFetched("It redirects to no URL.") from None
    if place.scheme == "https" and following.scheme != "https":
        raise NotFetched("It redirects from https to http.")
    return following
