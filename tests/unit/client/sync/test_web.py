from __future__ import annotations

import ssl

import pytest

from gateway.client.sync.web import MAX_REDIRECTS, NotFetched, Web
from tests.fakes.key_set_host import KeySetHost
from tests.fakes.web_site import WebSite
from tests.unit.client.sync.conftest import Names


def test_answers_come_whole_under_the_hosts_own_name(web: Web, site: WebSite) -> None:
    """Status, headers in lower case and body are given; the host is asked by its name."""
    site.answers["/a?b=1"] = (200, {"X-Robots-Tag": "noindex"}, b"text")
    answer = web.fetch(f"{site.url}/a?b=1#part", max_bytes=100)
    assert (answer.status, answer.body, answer.headers["x-robots-tag"]) == (200, b"text", "noindex")
    assert site.hosts == [f"docs.example:{site.port}"]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "100.64.0.1", "0.0.0.0", "::1", "fe80::1"],
)
def test_private_addresses_are_not_connected_to(site: WebSite, names: Names, address: str) -> None:
    """A name that leads into a private network gives nothing, and the host behind it hears nothing."""
    names.known["docs.example"] = [address]
    with pytest.raises(NotFetched, match="not on the public internet"):
        Web(resolve=names).fetch(f"{site.url}/", max_bytes=100)
    assert site.asked == []


def test_one_private_address_among_public_ones_is_enough(site: WebSite, names: Names, web: Web) -> None:
    """A name with several addresses is refused for any one of them."""
    names.known["docs.example"] = ["127.0.0.1", "10.0.0.1"]
    with pytest.raises(NotFetched, match="not on the public internet"):
        web.fetch(f"{site.url}/", max_bytes=100)


def test_a_name_is_looked_up_once(site: WebSite, names: Names, web: Web) -> None:
    """The address that was looked at is the one that is connected to: the name is not asked again."""
    site.page("/", "x")
    web.fetch(f"{site.url}/", max_bytes=100)
    assert names.asked == ["docs.example"]


def test_numbers_in_disguise_are_addresses(site: WebSite) -> None:
    """Other spellings of 127.0.0.1 lead nowhere, either."""
    for host in ("127.0.0.1", "2130706433", "0x7f.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"):
        with pytest.raises(NotFetched):
            Web().fetch(f"http://{host}:{site.port}/", max_bytes=100)
    assert site.asked == []


def test_redirects_are_followed_and_looked_at(site: WebSite, names: Names, web: Web) -> None:
    """A redirect within the public web is followed, one into a private network is not."""
    site.page("/new", "there")
    site.answers["/old"] = (301, {"location": "/new"}, b"")
    site.answers["/trap"] = (302, {"location": f"http://inside.example:{site.port}/new"}, b"")
    names.known["inside.example"] = ["10.0.0.1"]
    assert web.fetch(f"{site.url}/old", max_bytes=100).body == b"there"
    with pytest.raises(NotFetched, match="not on the public internet"):
        web.fetch(f"{site.url}/trap", max_bytes=100)


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://docs.example/", "http://a:b@docs.example/"]
)
def test_redirects_lead_to_the_web_alone(site: WebSite, web: Web, location: str) -> None:
    """No other scheme and no credential comes in by a redirect."""
    site.answers["/"] = (302, {"location": location}, b"")
    with pytest.raises(NotFetched):
        web.fetch(f"{site.url}/", max_bytes=100)


def test_a_redirect_never_gives_up_encryption() -> None:
    """From https none leads to http, where anybody on the way could answer."""

    def talk(connection: ssl.SSLSocket, head: bytes) -> None:
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: http://keys.example/\r\nContent-Length: 0\r\n\r\n"
        )

    with KeySetHost(talk) as host:
        web = Web(allows=lambda address: address.is_loopback, resolve=host.resolve, trust=host.trust)
        with pytest.raises(NotFetched, match="from https to http"):
            web.fetch(host.url, max_bytes=100)


def test_redirects_end(site: WebSite, web: Web) -> None:
    """A circle of redirects is left after a few."""
    site.answers["/"] = (302, {"location": "/"}, b"")
    with pytest.raises(NotFetched, match="redirects more than"):
        web.fetch(f"{site.url}/", max_bytes=100)
    assert len(site.asked) == MAX_REDIRECTS + 1


def test_sizes_are_limited(site: WebSite, web: Web) -> None:
    """An answer beyond the limit is dropped, one at the limit is not."""
    site.page("/", "x" * 100)
    assert len(web.fetch(f"{site.url}/", max_bytes=100).body) == 100
    with pytest.raises(NotFetched, match="more than 99 bytes"):
        web.fetch(f"{site.url}/", max_bytes=99)


def test_compressed_answers_are_refused(site: WebSite, web: Web) -> None:
    """Nothing compressed was asked for: a bomb is not opened."""
    site.answers["/"] = (200, {"content-encoding": "gzip"}, b"\x1f\x8b")
    with pytest.raises(NotFetched, match="encoding"):
        web.fetch(f"{site.url}/", max_bytes=100)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "docs.example", "http://", "http://u:p@docs.example/", "ftp://x/"]
)
def test_what_is_no_web_address_is_refused(web: Web, names: Names, url: str) -> None:
    """Only http and https, without credentials; nobody is asked for anything else."""
    with pytest.raises(NotFetched):
        web.fetch(url, max_bytes=100)
    assert names.asked == []


def test_a_host_that_fails_is_named_by_kind(web: Web, names: Names) -> None:
    """A refused connection and an unknown name are no exceptions of a library."""
    with pytest.raises(NotFetched, match="Its host fails: ConnectError"):
        web.fetch("http://docs.example:1/", max_bytes=100)
    names.known["nobody.example"] = []
    with pytest.raises(NotFetched, match="no address"):
        web.fetch("http://nobody.example/", max_bytes=100)
