"""Runs the load generator in C, and reads what it recorded."""

import json
import os
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.data import FOLDER

_SOURCE = Path(__file__).with_name("load.c")
_BINARY = FOLDER / "load"


@dataclass(frozen=True)
class Load:
    """What one run saw; `cpu` is the load generator's own share of one processor."""

    requests: int
    errors: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu: float

    @property
    def qps(self) -> float:
        """Requests that were answered well, per second."""
        return (self.requests - self.errors) / self.seconds


@dataclass(frozen=True)
class Target:
    """Where to send what: `protocol` is grpc or http; `headers` as `name: value`."""

    protocol: str
    address: str
    path: str
    headers: tuple[str, ...] = ()


class Bodies:
    """Distinct request bodies in a file."""

    def __init__(self, name: str, messages: Sequence[bytes], *, framed: bool) -> None:
        """`framed`: gRPC messages, which get their five bytes of frame here."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.path = FOLDER / f"{name}.bodies"
        self.count = len(messages)
        with self.path.open("wb") as file:
            for message in messages:
                frame = struct.pack(">BI", 0, len(message)) if framed else b""
                file.write(struct.pack("<I", len(frame) + len(message)) + frame + message)


def build() -> None:
    """Compile the load generator if it is not there, or older than its source."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not _BINARY.exists() or _BINARY.stat().st_mtime < _SOURCE.stat().st_mtime:
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O2", "-o", _BINARY, _SOURCE], check=True)


def run(target: Target, bodies: Bodies, *, connections: int, seconds: float) -> Load:
    """Send the bodies in turn for some seconds."""
    return run_file(target, bodies.path, connections=connections, seconds=seconds)


def run_file(target: Target, bodies: Path, *, connections: int, seconds: float) -> Load:
    """Send the bodies of a file in turn for some seconds."""
    return _run(target, bodies, connections, seconds, "-")


def answers(target: Target, bodies: Bodies, *, connections: int = 4) -> list[bytes]:
    """
    Send each body once and return the answers in the bodies' order, without gRPC's frame.

    Raises:
        RuntimeError: some were refused.
    """
    path = bodies.path.with_suffix(".answers")
    load = _run(target, bodies.path, connections, 0, str(path))
    if load.errors:
        raise RuntimeError(f"{load.errors} of {load.requests} requests to {target.path} were refused")
    raw = path.read_bytes()
    path.unlink()
    found: dict[int, bytes] = {}
    at, frame = 0, 5 if target.protocol == "grpc" else 0
    while at < len(raw):
        body, size = struct.unpack_from("<II", raw, at)
        found[body] = raw[at + 8 + frame : at + 8 + size]
        at += 8 + size
    return [found[number] for number in range(bodies.count)]


def _run(target: Target, bodies: Path, connections: int, seconds: float, replies: str) -> Load:
    host, _, port = target.address.rpartition(":")
    command = [_BINARY, target.protocol, host, port, target.path, connections, seconds, bodies, replies]
    done = subprocess.run([*map(str, command), *target.headers], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"no load on {target.path}: {done.stderr.strip()}")
    return Load(**json.loads(done.stdout))
