from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import pytest

from gateway.client.sync.web import Web
from gateway.public_web.addresses import Address
from tests.fakes.web_site import WebSite


class Names:
    """A resolver: every name is this machine, unless it is told otherwise. `asked` are the names in order."""

    def __init__(self) -> None:
        self.known: dict[str, Sequence[str]] = {}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[Address]:
        self.asked.append(host)
        return [ip_address(each) for each in self.known.get(host, ["127.0.0.1"])]


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def web(names: Names) -> Web:
    """What fetches: this machine stands for the public internet, everything else for private networks."""
    return Web(allows=lambda address: address.is_loopback, resolve=names, seconds=10.0)


@pytest.fixture
def site() -> Iterator[WebSite]:
    with WebSite() as site:
        yield site
