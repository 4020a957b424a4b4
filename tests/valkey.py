"""A real Valkey for tests: thrown away, on a socket in a temporary folder."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.local.valkey import ValkeyNotInstalled, valkey_binary

_PATIENCE = 10.0


class ValkeyServer:
    """Started, suspended and killed by tests; what it held is lost when it ends."""

    def __init__(self) -> None:
        # The temporary folder of pytest may be too long a path for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="valkey-"))
        self._socket = self.folder / "socket"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        """Start, empty."""
        self._process = subprocess.Popen(
            [
                valkey_binary(),
                "--port",
                "0",
                "--unixsocket",
                self._socket,
                "--save",
                "",
                "--dir",
                self.folder,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self.client().ping()
                return
            except redis.RedisError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.02)

    def client(self) -> redis.Redis:
        """Return a client with patience."""
        return redis.Redis.from_url(self.url, socket_timeout=_PATIENCE, decode_responses=True)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def suspend(self) -> None:
        """Let it hang: connections are taken, nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_valkey() -> Iterator[ValkeyServer]:
    """A server for tests that only count in it."""
    try:
        server = ValkeyServer()
    except ValkeyNotInstalled as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@pytest.fixture
def valkey(shared_valkey: ValkeyServer) -> ValkeyServer:
    """An empty server."""
    shared_valkey.client().flushall()
    return shared_valkey


@pytest.fixture
def own_valkey() -> Iterator[ValkeyServer]:
    """A server for a test that harms it."""
    try:
        server = ValkeyServer()
    except ValkeyNotInstalled as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()
