"""A real Envoy for tests: rendered, started, awaited, stopped."""

import os
import socket
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from gateway.envoy.binary import envoy_binary
from gateway.envoy.generate import Address, Endpoints, render

DESCRIPTOR_SET = Path("build/descriptors.binpb")


@dataclass
class EnvoyProcess:
    """A running Envoy and its addresses."""

    process: subprocess.Popen[bytes]
    endpoints: Endpoints
    log: Path

    @property
    def public(self) -> str:
        """Base URL of the public listener."""
        return f"http://127.0.0.1:{self.endpoints.public.port}"

    @property
    def operator(self) -> str:
        """Base URL of the operator's listener."""
        return f"http://127.0.0.1:{self.endpoints.operator.port}"

    @property
    def grpc(self) -> str:
        """Target of the listener for native gRPC calls."""
        assert self.endpoints.grpc is not None
        return f"127.0.0.1:{self.endpoints.grpc.port}"

    @property
    def admin(self) -> str:
        """Base URL of Envoy's own admin."""
        return f"http://127.0.0.1:{self.endpoints.admin.port}"

    def stop(self) -> None:
        """End it and wait."""
        self.process.terminate()
        self.process.wait(timeout=10)


def free_addresses(count: int) -> list[Address]:
    """Return addresses that nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [Address("127.0.0.1", each.getsockname()[1]) for each in sockets]


def start_envoy(check: Address, services: dict[str, Address], out: Path, credential: str) -> EnvoyProcess:
    """Render a configuration into `out`, start Envoy with it and return once it serves."""
    public, operator, admin, grpc = free_addresses(4)
    endpoints = Endpoints(public, operator, admin, check, services, grpc)
    config = render(endpoints, out, DESCRIPTOR_SET)
    log = out / "envoy.log"
    command = [
        str(envoy_binary()),
        "-c",
        str(config),
        "--disable-hot-restart",
        "--concurrency",
        "2",
        "--log-level",
        "info",
        # Tests read the log; Envoy writes it every ten seconds otherwise.
        "--file-flush-interval-msec",
        "100",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"SUPPORTAGENT_INTERNAL_CREDENTIAL": credential},
        )
    envoy = EnvoyProcess(process, endpoints, log)
    try:
        _wait_until_live(envoy)
    except RuntimeError:
        envoy.stop()
        raise
    return envoy


def _wait_until_live(envoy: EnvoyProcess) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if envoy.process.poll() is not None:
            raise RuntimeError(f"Envoy has ended:\n{envoy.log.read_text()}")
        try:
            if httpx.get(f"{envoy.admin}/ready").status_code == 200 and httpx.get(f"{envoy.public}/healthz"):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"Envoy does not serve:\n{envoy.log.read_text()}")
