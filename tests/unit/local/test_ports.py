from __future__ import annotations

import socket

import pytest

from deploy.local.ports import NoFreePort, Ports


def test_ports_are_distinct_and_outside_the_range_of_outgoing_connections() -> None:
    """No port is given twice, and none can be taken by an outgoing connection during a restart."""
    ports = Ports()
    taken = [ports.take() for _ in range(50)]
    assert len(set(taken)) == 50
    assert all(20_000 <= port < 32_000 for port in taken)


def test_ports_end() -> None:
    """When all are given out there are none, rather than one twice."""
    ports = Ports(range(31_990, 32_000))
    taken: list[int] = []
    with pytest.raises(NoFreePort):
        taken.extend(ports.take() for _ in range(11))
    assert len(taken) == len(set(taken)) <= 10


def test_port_in_use_is_refused() -> None:
    """A port that somebody listens on is refused with what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(NoFreePort, match="GATEWAY_PORT"):
            Ports().claim(other.getsockname()[1])


def test_port_zero_is_any() -> None:
    """Port 0 stands for a free one."""
    assert Ports().claim(0) >= 20_000
