"""Origins of publishable keys."""

import pytest

from gateway.access.domain.keys.origin import is_origin, violations


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example",
        "http://localhost:3000",
        "http://localhost",
        "https://shop.example:8443",
        "http://shop.example:443",
        "https://a-b.shop.example",
        "https://my_shop.example",
        "https://shop.example.",
        "https://xn--bcher-kva.example",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://[2001:db8::1]",
        "https://1.shop.example",
        "https://" + "a" * 63 + ".example",
    ],
)
def test_origins_as_browsers_send_them(origin: str) -> None:
    """Scheme, host and a port that is not the scheme's own."""
    assert is_origin(origin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "https://",
        "https://*",
        "https://*.shop.example",
        "shop.example",
        "//shop.example",
        "ftp://shop.example",
        "HTTPS://shop.example",
        "https://Shop.example",
        "https://shop.example/",
        "https://shop.example/path",
        "https://shop.example?",
        "https://shop.example#",
        "https://shop.example:",
        "https://shop.example:443",
        "http://shop.example:80",
        "https://shop.example:0",
        "https://shop.example:08443",
        "https://shop.example:65536",
        "https://shop.example:99999999999",
        "https://user@shop.example",
        "https://user:secret@shop.example",
        "https://b\u00fccher.example",
        "https://shop.example\n",
        " https://shop.example",
        "https://shop.example,https://other.example",
        "https://shop..example",
        "https://.shop.example",
        "https://-shop.example",
        "https://shop%2eexample",
        "https://127.1",
        "https://127.0.0.256",
        "https://127.0.0.01",
        "https://0x7f000001",
        "https://shop.1",
        "https://2130706433",
        "https://[::0001]",
        "https://[::1",
        "https://[127.0.0.1]",
        "https://[fe80::1%25eth0]",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 130 + "example",
        "https://\u0661.example",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    """Nothing that a browser would write in another way could ever match; patterns match nothing."""
    assert not is_origin(text)


def test_each_wrong_origin_is_pointed_at() -> None:
    """One violation for each, with its place in the list."""
    found = violations(["https://a.example", "null", "https://b.example/", "https://c.example"])
    assert [each.pointer for each in found] == ["/origins/1", "/origins/2"]


@pytest.mark.parametrize(("number", "pointers"), [(0, ["/origins"]), (50, []), (51, ["/origins"])])
def test_the_number_of_origins(number: int, pointers: list[str]) -> None:
    """At least one is needed, fifty are allowed."""
    found = violations([f"https://shop{each}.example" for each in range(number)])
    assert [each.pointer for each in found] == pointers
