"""Which addresses a stranger's URL may lead to."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_UNICAST = IPv6Network("2000::/3")
# Global to the standard library, or to an older one; 6to4 and its relays carry any IPv4 address in them.
_NOT_PUBLIC_4 = (IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24"))
_NOT_PUBLIC_6 = (
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
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
