"""Which addresses a stranger's URL may lead to."""

from ipaddress import ip_address

import pytest

from gateway.access.domain.user_tokens.jwks_url import JwksUrl, UnfitUrl
from gateway.public_web.addresses import is_public

ANY: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]
)
def test_public_addresses(text: str) -> None:
    """Machines on the internet."""
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.0.9",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:1.1.1.1",
        "64:ff9b::7f00:1",
        "64:ff9b::101:101",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2001:10::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_addresses_that_are_not_public(text: str) -> None:
    """Our own machines, those of the cloud around them, groups, and IPv4 addresses in disguise."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://acme.example/jwks.json", JwksUrl("acme.example", 443, "/jwks.json")),
        ("https://acme.example", JwksUrl("acme.example", 443, "/")),
        ("HTTPS://Acme.Example:8443/a/b?c=d&e", JwksUrl("acme.example", 8443, "/a/b?c=d&e")),
        ("https://10.0.0.1/", JwksUrl("10.0.0.1", 443, "/")),
    ],
)
def test_a_url_is_taken_apart(text: str, url: JwksUrl) -> None:
    """The host is the one that will be connected to; an address in numbers is looked at then."""
    assert JwksUrl.parse(text, ANY) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme.example",
        "//acme.example/",
        "http://acme.example/",
        "ftp://acme.example/",
        "file:///etc/passwd",
        "https:///jwks",
        "https://acme.example@10.0.0.1/",
        "https://user:pass@acme.example/",
        "https://@acme.example/",
        "https://acme.example\\@10.0.0.1/",
        "https://acme.example/#fragment",
        "https://acme.example:0/",
        "https://acme.example:99999/",
        "https://acme.example:a/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://ac me.example/",
        "https://acme.example/\r\nHost: evil.example",
        "https://acmé.example/",
        "https://-acme.example/",
        "https://acme..example/",
        "https://acme_x.example/",
        "https://acme%2eexample/",
        "https://" + "a" * 64 + ".example/",
        "https://acme.example/" + "a" * 2048,
    ],
)
def test_what_is_no_url_of_a_key_set(text: str) -> None:
    """https, a plain name, nothing that two readers could see differently."""
    with pytest.raises(UnfitUrl):
        JwksUrl.parse(text, ANY)


def test_only_allowed_hosts() -> None:
    """Where the installation names them: exactly those."""
    hosts = frozenset({"acme.example"})
    assert JwksUrl.parse("https://ACME.example/", hosts).host == "acme.example"
    for host in ("evil.example", "sub.acme.example", "acme.example.evil.example", "xacme.example"):
        with pytest.raises(UnfitUrl):
            JwksUrl.parse(f"https://{host}/", hosts)
