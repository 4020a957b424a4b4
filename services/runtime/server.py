"""The server of every process: interceptors, health, metrics, reflection, drain."""

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import structlog
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server

from services.runtime import health as health_protocol
from services.runtime.channel import DEFAULT_MESSAGE_BYTES, MAX_METADATA_BYTES
from services.runtime.health import Health
from services.runtime.interceptors.caller import CallerFromMetadata
from services.runtime.interceptors.errors import ErrorsToStatus
from services.runtime.interceptors.once import OncePerMethod
from services.runtime.interceptors.overload import RefuseOverload
from services.runtime.interceptors.same_bytes import SameBytes
from services.runtime.interceptors.telemetry import Telemetry
from services.runtime.serving_threads import ServingThreads
from services.runtime.settings import ProcessSettings, Secret, SharedSettings

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Service:
    """A servicer and how it joins a server."""

    full_name: str
    add_to_server: Callable[[Any, grpc.Server], None]
    servicer: object


@dataclass(frozen=True)
class RunningServer:
    """A started server."""

    server: grpc.Server
    address: str
    threads: ServingThreads

    def stop(self, grace: float | None = None) -> None:
        """Refuse new calls, give those in flight `grace` seconds, return when all have ended."""
        self.server.stop(grace).wait()
        self.threads.shutdown(wait=False)


def start_server(
    services: Sequence[Service],
    *,
    credential: Secret,
    listen: str = "127.0.0.1:0",
    threads: ServingThreads | None = None,
    health: Health | None = None,
    reflect: bool = False,
    max_message_bytes: int = DEFAULT_MESSAGE_BYTES,
    max_in_flight: int = 0,
    share_port: bool = False,
) -> RunningServer:
    """
    Start serving; port 0 takes a free one. Raises RuntimeError when the address is taken.

    `threads` serve the calls. Beyond `max_in_flight` of them, begun or waiting, the next is refused at once;
    0: all wait. `share_port`: other processes may serve at the same address.
    """
    open_services = frozenset({health_protocol.SERVICE, reflection.SERVICE_NAME})
    interceptors: list[grpc.ServerInterceptor] = [
        OncePerMethod(),  # what follows depends on the method alone
        SameBytes(),  # outside of those that wrap the handler, so that it is done once
        Telemetry(),  # sees how every call ended
        ErrorsToStatus(),  # every error below passes here
        CallerFromMetadata(credential, open_services),  # nothing below runs for a stranger
    ]
    threads = threads or ServingThreads(ProcessSettings.workers)
    if max_in_flight:
        interceptors.insert(0, RefuseOverload(threads, max_in_flight, open_services))
    options = [
        ("grpc.so_reuseport", int(share_port)),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ]
    # Of an executor it uses `submit` alone.
    server = grpc.server(threads, interceptors=interceptors, options=options)  # type: ignore[arg-type]
    for each in services:
        each.add_to_server(each.servicer, server)
    if health is not None:
        health.add_to(server)
    if reflect:
        reflection.enable_server_reflection(
            [*(s.full_name for s in services), reflection.SERVICE_NAME], server
        )
    port = server.add_insecure_port(listen)
    server.start()
    return RunningServer(server, f"{listen.rpartition(':')[0]}:{port}", threads)


def serve(
    settings: ProcessSettings,
    shared: SharedSettings,
    services: Sequence[Service],
    *,
    health: Health,
    threads: ServingThreads | None = None,
    on_stop: Callable[[], None] | None = None,
    max_message_bytes: int = DEFAULT_MESSAGE_BYTES,
    max_in_flight: int = 0,
    share_port: bool = False,
) -> None:
    """
    Serve until SIGTERM or SIGINT, then drain.

    Whether the process is ready is for `health` to say; the caller sets it. At the end: NOT_SERVING first, so
    that nobody sends more; then `on_stop` for background work; then calls in flight get `drain_seconds`.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    running = start_server(
        services,
        credential=shared.internal_credential,
        listen=settings.listen,
        threads=threads or ServingThreads(settings.workers),
        health=health,
        reflect=settings.reflection,
        max_message_bytes=max_message_bytes,
        max_in_flight=max_in_flight,
        share_port=share_port,
    )
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.listen.rpartition(":")[0].strip("[]"))
    _log.info("started", address=running.address)
    # A handler runs in the main thread, which has to wake up for it even if the signal went to another one.
    while not stopping.wait(1.0):
        pass
    _log.info("draining")
    health.drain()
    if on_stop is not None:
        on_stop()
    running.stop(settings.drain_seconds)
    _log.info("stopped")
