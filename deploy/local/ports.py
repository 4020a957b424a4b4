"""Free ports that stay free while a process restarts."""

from __future__ import annotations

import random
import socket

# Below the range from which systems draw the ports of outgoing connections: one of those could otherwise take
# the port of a process that is just restarting.
LOWEST, HIGHEST = 20_000, 32_000


class NoFreePort(Exception):
    """The port that was asked for, or every port, is taken."""


class Ports:
    """Hands out ports of the loopback interface, each once."""

    def __init__(self, choice: range = range(LOWEST, HIGHEST)) -> None:
        self._choice = choice
        self._given: set[int] = set()

    def take(self) -> int:
        """
        Returns a free port.

        Raises:
            NoFreePort: there seems to be none.
        """
        for port in random.sample(self._choice, len(self._choice)):
            if port not in self._given and is_free(port):
                self._given.add(port)
                return port
        raise NoFreePort("No free port was found.")

    def claim(self, port: int) -> int:
        """
        Returns `port`, or a free one for 0.

        Raises:
            NoFreePort: something listens there.
        """
        if port == 0:
            return self.take()
        if not is_free(port):
            raise NoFreePort(f"Port {port} is taken; set GATEWAY_PORT to another one.")
        self._given.add(port)
        return port


def is_free(port: int) -> bool:
    """Whether nothing listens on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
