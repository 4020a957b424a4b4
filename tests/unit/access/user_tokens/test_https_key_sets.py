"""Key sets over HTTPS: from hosts that behave, and from hosts that don't."""

import ssl
import time
from ipaddress import ip_address
from typing import Any

import pytest

from gateway.access.clients.key_sets import MAX_BYTES, HttpsKeySets
from gateway.access.domain.user_tokens.errors import KeySetUnavailable
from gateway.public_web.addresses import addresses_of
from tests.fakes.key_set_host import NAME, KeySetHost, says

SET = b'{"keys": []}'
OK = says("200 OK", SET)


def source(host: KeySetHost, **more: Any) -> HttpsKeySets:
    """Return a source that finds the host and trusts it."""
    given = {"resolve": host.resolve, "trust": host.trust, "allows": lambda address: True, **more}
    return HttpsKeySets(**given)


def refused(keys: HttpsKeySets, url: str) -> str:
    """Return why a set can't be had."""
    with pytest.raises(KeySetUnavailable) as raised:
        keys.fetch(url)
    return str(raised.value)


def test_a_set_is_fetched() -> None:
    """One GET in the name's name, that says nothing of us."""
    with KeySetHost(OK) as host:
        assert source(host).fetch(host.url) == SET
        port = host.url.split(":")[2].split("/")[0]
        (head,) = host.heads
    lines = head.lower().split("\r\n")
    assert lines[0] == "get /jwks.json?v=1 http/1.1"
    assert f"host: {NAME}:{port}" in lines
    assert {line.split(":")[0] for line in lines[1:] if line} == {"host", "accept", "accept-encoding"}


def test_private_addresses_are_refused() -> None:
    """By the rule that holds unless told otherwise; nothing is connected to."""
    with KeySetHost(OK) as host:
        keys = HttpsKeySets(resolve=host.resolve, trust=host.trust)
        assert refused(keys, host.url) == "the name has an address that is not public"
        assert not host.heads


def test_one_private_address_among_public_ones_is_enough() -> None:
    """All that a name resolves to is looked at."""
    both = [ip_address("93.184.216.34"), ip_address("10.0.0.1")]
    for found in (both, both[::-1]):
        keys = HttpsKeySets(resolve=lambda host, port, found=found: found)  # type: ignore[misc]
        assert refused(keys, "https://both.example/") == "the name has an address that is not public"


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f000001", "2130706433", "017700000001", "localhost", "0"])
def test_numbers_are_addresses_too(host: str) -> None:
    """However a resolver reads them, what comes of it is looked at."""
    assert refused(HttpsKeySets(), f"https://{host}/") in (
        "the name has an address that is not public",
        "the name has no address",
    )


def test_a_name_is_resolved_once() -> None:
    """What a second answer would say does not matter: the first one's address is connected to."""
    answers = [[ip_address("127.0.0.1")], [ip_address("169.254.169.254")]]
    with KeySetHost(OK) as host:
        keys = source(host, resolve=lambda name, port: answers.pop(0))
        assert keys.fetch(host.url) == SET
    assert len(answers) == 1


def test_a_name_without_address() -> None:
    """Nothing is connected to."""

    def fails(host: str, port: int) -> list[Any]:
        raise OSError("no such name")

    assert refused(HttpsKeySets(resolve=fails), "https://nowhere.example/") == "the name has no address"
    assert addresses_of("127.0.0.1", 443) == [ip_address("127.0.0.1")]


def test_only_https() -> None:
    """And only hosts that the installation allows, also for keys of before it did."""
    with KeySetHost(OK) as host:
        assert "https" in refused(source(host), host.url.replace("https", "http"))
        assert "allows" in refused(source(host, hosts=frozenset({"else.example"})), host.url)
        assert source(host, hosts=frozenset({NAME})).fetch(host.url) == SET


def test_a_certificate_has_to_be_the_names() -> None:
    """Neither another name's nor one that nobody vouches for."""
    with KeySetHost(OK) as host:
        anywhere = {"resolve": lambda name, port: [ip_address("127.0.0.1")]}
        other = host.url.replace(NAME, "other.example")
        assert refused(source(host, **anywhere), other) == "the host fails: ConnectError"
        strict = ssl.create_default_context()
        assert refused(source(host, trust=strict), host.url) == "the host fails: ConnectError"
        assert not host.heads


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(status: str) -> None:
    """Wherever they lead."""
    with KeySetHost(OK) as target, KeySetHost(says(status, b"", f"Location: {target.url}")) as host:
        assert refused(source(host), host.url) == f"the host answers with {status[:3]}"
        assert not target.heads


@pytest.mark.parametrize("status", ["204 No", "206 Part", "404 Not", "500 Oh"])
def test_only_200_is_an_answer(status: str) -> None:
    """Whatever stands in it."""
    with KeySetHost(says(status, b"" if status[:3] == "204" else SET)) as host:
        assert refused(source(host), host.url) == f"the host answers with {status[:3]}"


def test_a_huge_answer_is_cut() -> None:
    """One MiB is the most, whether its length is told or not."""
    with KeySetHost(says("200 OK", b" " * MAX_BYTES)) as host:
        assert len(source(host).fetch(host.url)) == MAX_BYTES
    with KeySetHost(says("200 OK", b" " * (MAX_BYTES + 1))) as host:
        assert refused(source(host), host.url) == "the answer is over 1 MiB"

    def endless(stream: ssl.SSLSocket, _: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            stream.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")

    with KeySetHost(endless) as host:
        assert refused(source(host), host.url) == "the answer is over 1 MiB"


def test_huge_headers_are_cut() -> None:
    """They are no way round the limit."""

    def endless(stream: ssl.SSLSocket, _: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            stream.sendall(b"X-More: " + b"x" * 10_000 + b"\r\n")

    with KeySetHost(endless) as host:
        assert refused(source(host), host.url) == "the host fails: RemoteProtocolError"


def _trickle(*beginning: bytes) -> Any:
    def talk(stream: ssl.SSLSocket, _: bytes) -> None:
        for part in beginning:
            stream.sendall(part)
        while True:
            stream.sendall(b"x")
            time.sleep(0.02)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        lambda stream, _: time.sleep(30),
        _trickle(),
        _trickle(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        _trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
    ],
    ids=["silent", "status", "headers", "body"],
)
def test_a_slow_host_ends_with_its_time(talk: Any) -> None:
    """Also one that sends a byte now and then, wherever in its answer."""
    with KeySetHost(talk) as host:
        assert "Timeout" in refused(source(host, seconds=0.3), host.url)


def test_a_slow_resolver_ends_with_its_time() -> None:
    """Nothing else could end it."""

    def resolve(host: str, port: int) -> list[Any]:
        time.sleep(30)
        return []

    assert refused(HttpsKeySets(resolve=resolve, seconds=0.1), "https://slow.example/") == (
        "the name has no address"
    )


def test_what_is_no_http() -> None:
    """Garbage, and a host that hangs up."""
    for talk in (lambda stream, _: stream.sendall(b"\0\xff garbage\r\n\r\n"), lambda stream, _: None):
        with KeySetHost(talk) as host:
            assert refused(source(host), host.url).startswith("the host fails: ")
