"""
Several processes on one port, for services whose work one interpreter can't do fast enough.

The kernel spreads connections over them (SO_REUSEPORT), ready or not. So each says whether it is, and health
is told as one: the port serves when all do.
"""

import multiprocessing
import multiprocessing.connection
import pkgutil
import signal
import socket
import threading
from collections.abc import MutableSequence
from multiprocessing.context import SpawnProcess

import structlog

_log = structlog.get_logger(__name__)

# A child that ended is started again after so long.
_PAUSE_SECONDS = 1.0
# A signal is noticed within so long.
_LOOK_SECONDS = 0.2
# How long children are waited for beyond their own drain.
_PATIENCE_SECONDS = 15.0

# Fresh interpreters: a forked one would share gRPC's threads and locks.
_SPAWN = multiprocessing.get_context("spawn")


class Member:
    """One of the processes on a port: its number, and what all know of each other."""

    def __init__(self, number: int, ready: MutableSequence[int]) -> None:
        self.number = number
        self._ready = ready

    def tell(self, ready: bool) -> bool:
        """Say whether this process can serve; return whether all can."""
        self._ready[self.number] = int(ready)
        return all(self._ready)


def alone() -> Member:
    """Return the only process of its port."""
    return Member(0, [0])


def is_orphan() -> bool:
    """Return whether the process that supervised this one is gone."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def supervise(run: str, count: int, listen: str, drain_seconds: float) -> None:
    """
    Run `count` processes until SIGTERM or SIGINT, which end them all; one that ends by itself is replaced.

    `run` names a function that takes its Member, as `package.module:function`. Raises OSError where the
    address is taken.
    """
    _require_free(listen)
    stopping = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stopping.set())
    ready = _SPAWN.RawArray("b", count)
    children = [_start(run, Member(number, ready)) for number in range(count)]
    while not stopping.is_set():
        multiprocessing.connection.wait([each.sentinel for each in children], _LOOK_SECONDS)
        dead = [number for number, child in enumerate(children) if not child.is_alive()]
        for number in dead:
            # Before the pause: the others must not go on calling the port healthy.
            ready[number] = 0
            _log.error("process ended", number=number, code=children[number].exitcode)
        if dead and not stopping.wait(_PAUSE_SECONDS):
            for number in dead:
                children[number] = _start(run, Member(number, ready))
    for child in children:
        child.terminate()
    for child in children:
        child.join(drain_seconds + _PATIENCE_SECONDS)
        if child.is_alive():
            child.kill()


def _start(run: str, member: Member) -> SpawnProcess:
    child = _SPAWN.Process(target=_run, args=(run, member), name=f"process-{member.number}")
    child.start()
    return child


def _run(name: str, member: Member) -> None:
    # By its name: a program's main module can't be pickled.
    pkgutil.resolve_name(name)(member)


def _require_free(listen: str) -> None:
    # The children share the port with whoever does so too; two installations on one would mix.
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, int(port)))
