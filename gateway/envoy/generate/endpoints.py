"""Where the gateway listens and whom it calls."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Address:
    """A host (name or IP) and a TCP port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `host:port`; a bare port means 127.0.0.1. Raises ValueError for anything else."""
        host, _, port = text.rpartition(":")
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"not an address of the form host:port: {text!r}")
        return cls(host.strip("[]") or "127.0.0.1", int(port))

    @property
    def is_ip(self) -> bool:
        """Whether the host is an IP and needs no DNS."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True


@dataclass(frozen=True)
class Endpoints:
    """
    All addresses of one gateway.

    `check` is where access answers the check of every request, over HTTP; `services` maps a room (the second
    part of its proto package, such as `query`) to where it listens for gRPC. `grpc` is the listener for
    native calls; None: there is none.
    """

    public: Address
    operator: Address
    admin: Address
    check: Address
    services: Mapping[str, Address] = field(default_factory=lambda: MappingProxyType({}))
    grpc: Address | None = None

    def service(self, room: str) -> Address:
        """Return where a room listens. Raises KeyError naming the room."""
        if room not in self.services:
            raise KeyError(f"no address was given for the service {room!r}")
        return self.services[room]
