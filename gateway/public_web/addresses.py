"""Which addresses a stranger's URL may lead to."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[Address]]
"""Returns the addresses of a name, for a port; raises OSError or UnicodeError."""

_UNICAST = IPv6Network("2000::/3")
# Global to the standard library, or to an older one; 6to4 and its relays carry any IPv4 address in them.
_NOT_PUBLIC_4 = (IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24"))
_NOT_PUBLIC_6 = (
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)


def is_public(address: Address) -> bool:
    """
    Whether an address is one machine's on the public internet.

    Not so: private, loopback, link-local, shared, reserved, documentation, multicast and broadcast addresses,
    and IPv6 ones that stand for an IPv4 address (mapped, NAT64, 6to4, Teredo).
    """
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv6Address):
        return address in _UNICAST and not any(address in network for network in _NOT_PUBLIC_6)
    return not any(address in network for network in _NOT_PUBLIC_4)


def addresses_of(host: str, port: int) -> list[Address]:
    """Return the addresses of a name as the machine resolves it; raise OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(each[4][0]) for each in found]


def resolved(resolve: Resolve, host: str, port: int, until: float) -> Sequence[Address]:
    """
    Return the addresses of a name; none where it has none, or where time is up.

    `until` is an instant of the monotonic clock. Nothing can end a resolver: it is left alone then.
    """
    found: list[Sequence[Address]] = []

    def run() -> None:
        try:
            found.append(resolve(host, port))
        except (OSError, UnicodeError):
            found.append([])

    thread = threading.Thread(target=run, name="resolve", daemon=True)
    thread.start()
    thread.join(max(0.0, until - time.monotonic()))
    return found[0] if found else []
