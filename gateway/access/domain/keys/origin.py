"""
Origins that a publishable key works from.

An origin is written as a browser sends it (RFC 6454, section 6.2, and the WHATWG URL standard's host
serialisation), so that the check compares texts and nothing else: no patterns, no folding of case.
"""

import ipaddress
import re
from collections.abc import Sequence

from services.kernel.errors import Violation

MAX_ORIGINS = 50

_FORM = re.compile(r"(https?)://(\[[0-9a-f:]+\]|[a-z0-9._-]+)(?::([1-9][0-9]{0,4}))?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_OWN_PORTS = {"http": 80, "https": 443}
_LONGEST_HOST = 253
_LARGEST_PORT = 65_535
_RULE = (
    "must be an origin as browsers send it, such as https://shop.example or http://localhost:3000: http or "
    "https, a host in lower-case ASCII, a port where it is not the scheme's own, nothing after it"
)


def violations(origins: Sequence[str]) -> list[Violation]:
    """Return what is wrong with the origins of a new publishable key."""
    if not 1 <= len(origins) <= MAX_ORIGINS:
        return [Violation("/origins", f"must be 1 to {MAX_ORIGINS} origins")]
    return [
        Violation(f"/origins/{position}", _RULE)
        for position, origin in enumerate(origins)
        if not is_origin(origin)
    ]


def is_origin(text: str) -> bool:
    """Whether a text is an origin of http or https exactly as browsers serialise it; `null` is none."""
    match = _FORM.fullmatch(text)
    if match is None:
        return False
    scheme, host, port = match.groups()
    if port is not None and (int(port) > _LARGEST_PORT or int(port) == _OWN_PORTS[scheme]):
        return False
    return _is_ipv6(host) if host.startswith("[") else _is_name(host)


def _is_ipv6(host: str) -> bool:
    try:
        return host == f"[{ipaddress.IPv6Address(host[1:-1])}]"
    except ValueError:
        return False


def _is_name(host: str) -> bool:
    # One dot at the end is allowed, and means another origin to a browser.
    labels = host.removesuffix(".").split(".")
    if len(host) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    # A host whose last label is a number is an IPv4 address or nothing.
    if labels[-1].isdigit() or re.fullmatch("0x[0-9a-f]*", labels[-1]):
        return _is_ipv4(host)
    return True


def _is_ipv4(host: str) -> bool:
    try:
        return host == str(ipaddress.IPv4Address(host))
    except ValueError:
        return False
