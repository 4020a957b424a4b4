"""The gateway's Envoy on one machine: its command and its graceful end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from deploy.local.data_directory import DataDirectory
from gateway.envoy.binary import envoy_binary
from gateway.envoy.generate import Address, Endpoints, render

if TYPE_CHECKING:
    from deploy.local.installation import Addresses

DESCRIPTORS = Path("build/descriptors.binpb")
DRAIN_SECONDS = 5.0
LOOK_EVERY = 0.05
QUIET_LOOKS = 4


def render_configuration(data: DataDirectory, addresses: Addresses) -> Path:
    """Writes Envoy's configuration into the data folder and returns its path."""
    host = "127.0.0.1"
    endpoints = Endpoints(
        public=Address(host, addresses.gateway),
        operator=Address(host, addresses.operator),
        admin=Address(host, addresses.envoy_admin),
        check=Address(host, addresses.check),
        grpc=Address(host, addresses.grpc),
        services={name: Address(host, port) for name, port in addresses.services.items()},
    )
    repository = Path(__file__).resolve().parents[2]
    return render(endpoints, data.envoy, repository / DESCRIPTORS)


def envoy_command(configuration: Path) -> list[str]:
    """
    The command that runs Envoy.

    Raises:
        EnvoyNotInstalled: there is no Envoy on this machine.
    """
    return [
        *(str(envoy_binary()), "-c", str(configuration)),
        *("--disable-hot-restart", "--concurrency", "2", "--log-level", "warning"),
    ]


def drain(admin_port: int) -> None:
    """
    Refuses new connections and waits, at most 5 s, until those that are in use have ended.

    A failed health check makes Envoy end each connection with its next answer, so that a busy client goes
    away between two requests and not in the middle of one.
    """
    deadline = time.monotonic() + DRAIN_SECONDS
    with httpx.Client(base_url=f"http://127.0.0.1:{admin_port}", timeout=1.0, trust_env=False) as admin:
        try:
            admin.post("/healthcheck/fail")
            admin.post("/drain_listeners")
            quiet = 0
            while time.monotonic() < deadline and quiet < QUIET_LOOKS:
                quiet = 0 if _active(admin) else quiet + 1
                time.sleep(LOOK_EVERY)
        except httpx.HTTPError:
            return


def _active(admin: httpx.Client) -> int:
    stats = admin.get(
        "/stats", params={"filter": r"^http\.(public|operator|grpc)\.downstream_rq_active$"}
    ).text
    return sum(int(line.rsplit(":", 1)[1]) for line in stats.splitlines() if ":" in line)
