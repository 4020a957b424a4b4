"""HTTP with the retries that are safe, and problem bodies as errors."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import httpx

from gateway.client.errors import ApiError, ClientError, NotConfigured, Unreachable

Parameters: TypeAlias = Mapping[str, str | int | bool]

FIRST_DELAY = 0.2
LARGEST_DELAY = 5.0
# The system asks to come back. A 503 has almost always done nothing; at worst a repeat makes a thing twice.
COME_BACK = frozenset({429, 503})
GATEWAY_TROUBLE = frozenset({502, 503, 504})


class Transport:
    """
    Sends requests to one base URL with one bearer token.

    A request is repeated, within `patience` seconds, when it most likely did no work (the connection was
    refused, or the answer was 429 or 503) and, if it is idempotent, also when the connection broke or the
    gateway answered 502 or 504. `Retry-After` is obeyed where it is given.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        patience: float = 10.0,
        timeout: float = 65.0,
        wire: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Opens no connection yet.

        Raises:
            NotConfigured: the address is none of HTTP, or the token could not stand in a header.
        """
        if not _is_http(base_url):
            raise NotConfigured(f"{base_url!r} is no address such as http://127.0.0.1:8080.")
        if not (token.isascii() and token.isprintable()):
            raise NotConfigured("The key holds characters that no key has.")
        self._http = httpx.Client(
            base_url=base_url,
            headers={"authorization": f"Bearer {token}", "user-agent": "supportagent-client/1"},
            timeout=httpx.Timeout(timeout, connect=5.0),
            transport=wire,
            trust_env=False,
        )
        self._base_url = base_url
        self._patience = patience
        self._sleep = sleep
        self._now = now

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> Any:
        """
        Sends a request and returns the decoded JSON of the answer.

        Raises:
            ApiError: the system refused it.
            Unreachable: no answer came.
        """
        with self._sent(method, path, body, params, headers, idempotent) as response:
            response.read()
            return response.json() if response.content else None

    @contextmanager
    def stream(self, method: str, path: str, *, body: object = None) -> Iterator[Iterator[str]]:
        """Sends a request and gives the lines of the answer as they come. Errors as in `call`."""
        with self._sent(method, path, body, None, None, False) as response:
            yield self._lines(response)

    def _lines(self, response: httpx.Response) -> Iterator[str]:
        try:
            yield from response.iter_lines()
        except httpx.TransportError as broken:
            raise Unreachable(f"The connection to {self._base_url} broke: {broken}") from broken

    @contextmanager
    def _sent(
        self,
        method: str,
        path: str,
        body: object,
        params: Parameters | None,
        headers: Mapping[str, str] | None,
        idempotent: bool | None,
    ) -> Iterator[httpx.Response]:
        try:
            request = self._http.build_request(
                method, path, json=body, params=dict(params or {}), headers=dict(headers or {})
            )
        except UnicodeEncodeError as error:
            raise ClientError("The request holds text that is not UTF-8.") from error
        response = self._answer(request, method in _IDEMPOTENT if idempotent is None else idempotent)
        try:
            if response.is_error:
                response.read()
                raise ApiError.of(response)
            yield response
        except httpx.TransportError as broken:
            raise Unreachable(f"The connection to {self._base_url} broke: {broken}") from broken
        finally:
            response.close()

    def _answer(self, request: httpx.Request, idempotent: bool) -> httpx.Response:
        deadline = self._now() + self._patience
        delay = FIRST_DELAY
        while True:
            wait = delay * random.uniform(0.5, 1.0)
            try:
                response = self._http.send(request, stream=True)
                if response.is_success or not _worth_repeating(response.status_code, idempotent):
                    return response
                wait = max(wait, _retry_after(response))
                if self._now() + wait > deadline:
                    return response
                response.close()
            except httpx.TransportError as failure:
                safe = idempotent or isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout)
                if not safe or self._now() + wait > deadline:
                    raise Unreachable(f"{self._base_url} does not answer: {failure}") from failure
            self._sleep(wait)
            delay = min(delay * 2, LARGEST_DELAY)


def _is_http(address: str) -> bool:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})


def _worth_repeating(status: int, idempotent: bool) -> bool:
    return status in COME_BACK or (idempotent and status in GATEWAY_TROUBLE)


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else 0.0
