"""Whom a limit by client address holds together."""

import ipaddress
from functools import lru_cache

# One subscriber gets at least so much of IPv6 (RFC 6177), and can take any address of it for each request.
_IPV6_PREFIX = 64

UNKNOWN = "unknown"


@lru_cache(maxsize=16_384)
def client_network(address: str) -> str:
    """Return an IPv4 address as it is, an IPv6 one as its /64; else `unknown`, which all others share."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), _IPV6_PREFIX), strict=False).network_address)
