"""Limits by client address."""

import pytest

from gateway.access.domain.client_network import client_network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:0db8:0001:0002::", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", "unknown"),
        ("192.0.2.1, 192.0.2.2", "unknown"),
        ("a" * 10_000, "unknown"),
    ],
)
def test_who_is_held_together(address: str, network: str) -> None:
    """An IPv4 address stands for itself, an IPv6 one for the /64 that its owner can choose from."""
    assert client_network(address) == network
