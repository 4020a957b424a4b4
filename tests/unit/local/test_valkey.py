from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from deploy.local.data_directory import DataDirectory
from deploy.local.ports import Ports
from deploy.local.valkey import (
    ValkeyAnswers,
    valkey_binary,
    valkey_command,
    valkey_url,
    write_configuration,
)
from tests.e2e.system import until


@contextmanager
def running(data: DataDirectory, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = valkey_command(write_configuration(data, port))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until(ValkeyAnswers(valkey_url(data, port)).is_ready, "Valkey to answer")
        yield process
    finally:
        process.kill()
        process.wait()


def test_counters_need_the_password(tmp_path: Path) -> None:
    """Another user of the machine can neither read nor write a counter, and cannot read the password."""
    data, port = DataDirectory(tmp_path / "a folder with blanks"), Ports().take()
    with running(data, port) as process:
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.set("counter", 0)
        assert (data.valkey / "valkey.conf").stat().st_mode & 0o777 == 0o600
        command_line = Path(f"/proc/{process.pid}/cmdline").read_text()
        assert data.valkey_password() not in command_line


def test_counters_are_on_the_loopback_interface_only(tmp_path: Path) -> None:
    """Nothing listens for other machines."""
    data, port = DataDirectory(tmp_path), Ports().take()
    with running(data, port), socket.socket() as beside:
        beside.bind(("127.0.0.2", port))


def test_full_counters_refuse_and_forget_nothing(tmp_path: Path) -> None:
    """No counter is ever evicted to make room for another."""
    data, port = DataDirectory(tmp_path), Ports().take()
    with running(data, port), redis.Redis.from_url(valkey_url(data, port), decode_responses=True) as client:
        client.set("first", "1")
        client.config_set("maxmemory", "1mb")
        with pytest.raises(redis.OutOfMemoryError):
            for number in range(10_000):
                client.set(f"counter:{number}", "x" * 1000)
        assert client.get("first") == "1"


def test_counters_are_kept_nowhere(tmp_path: Path) -> None:
    """An ordered end writes nothing: counts are made anew from the ledger."""
    data, port = DataDirectory(tmp_path), Ports().take()
    with running(data, port) as process:
        with redis.Redis.from_url(valkey_url(data, port)) as client:
            client.set("counter", 1)
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert [each.name for each in data.valkey.iterdir()] == ["valkey.conf"]


def test_hanging_server_is_not_ready(tmp_path: Path) -> None:
    """A server that takes connections and answers nothing counts as not ready, soon."""
    data, port = DataDirectory(tmp_path), Ports().take()
    answers = ValkeyAnswers(valkey_url(data, port))
    with running(data, port) as process:
        process.send_signal(signal.SIGSTOP)
        assert not answers.is_ready()
        process.send_signal(signal.SIGCONT)
        until(answers.is_ready, "Valkey to answer again")
    assert not answers.is_ready()


def test_binary_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`VALKEY_BINARY` goes before everything else."""
    monkeypatch.setenv("VALKEY_BINARY", "/opt/valkey/valkey-server")
    assert valkey_binary() == Path("/opt/valkey/valkey-server")
