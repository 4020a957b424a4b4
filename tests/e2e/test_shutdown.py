from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, Workspace, clean_environment, events_of, is_alive, running_system, until


class Streamer(threading.Thread):
    """Asks for streams without a pause and notes how each of them ended."""

    def __init__(self, workspace: Workspace, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.endings: Counter[str] = Counter()
        self._workspace = workspace
        self._stop_now = stop

    def run(self) -> None:
        """Streams until told to stop."""
        while not self._stop_now.is_set():
            try:
                answer = self._workspace.http.post("/v1/query/stream", json={"message": QUESTION})
            except httpx.ConnectError:
                self.endings["no connection"] += 1
                self._stop_now.wait(0.05)
                continue
            except httpx.TransportError as error:
                self.endings[f"broken: {error!r}"] += 1
                continue
            if answer.status_code != 200:
                self.endings[f"{answer.status_code} {answer.json()['code']}"] += 1
                # Whoever comes back at once runs into the limit.
                self._stop_now.wait(0.1)
                continue
            events = events_of(answer)
            last = next(iter(events[-1])) if events else "nothing"
            self.endings[last] += 1


@pytest.mark.parametrize("name", ["query", "vector_search", "conversations", "access"])
def test_service_that_stops_ends_its_streams_properly(system: System, leaf: Workspace, name: str) -> None:
    """When a service is told to stop, streams end with their last event or are refused with 503."""
    stop = threading.Event()
    streamers = [Streamer(leaf, stop) for _ in range(3)]
    for streamer in streamers:
        streamer.start()
    time.sleep(0.5)
    starts = system.kill(name, signal.SIGTERM)
    system.wait_restarted(name, starts)
    stop.set()
    for streamer in streamers:
        streamer.join(timeout=70)
    endings = sum((streamer.endings for streamer in streamers), Counter[str]())
    assert endings["completed"] > 0
    assert set(endings) <= {"completed", "error", "503 UNAVAILABLE"}, endings


def test_demo_is_ready_and_lasts(tmp_path: Path) -> None:
    """
    A first start makes and fills the demo workspace and prints a command that answers.

    Ctrl-C breaks off no answer and leaves no process behind, nor does killing the supervisor; each time
    the next start finds everything as it was.
    """
    data = tmp_path / "data"
    with running_system(data) as first:
        said = "".join(first.lines)
        assert re.search(r"demo workspace: \d\d created, 0 updated, 0 unchanged, 0 failed", said), said
        (command,) = [line for line in first.lines if line.startswith("curl ")]
        answered = subprocess.run(shlex.split(command), capture_output=True, check=True).stdout
        assert json.loads(answered)["answered"] is True
        assert (data / "demo.json").stat().st_mode & 0o777 == 0o600
        pids = [each["pid"] for each in first.processes().values()]
        stop = threading.Event()
        streamers = [Streamer(first.key_for("demo"), stop) for _ in range(2)]
        for streamer in streamers:
            streamer.start()
        until(lambda: all(streamer.endings["completed"] for streamer in streamers), "answers")
        assert first.stop() == 0
        stop.set()
        for streamer in streamers:
            streamer.join(timeout=70)
            assert set(streamer.endings) == {"completed", "no connection"}, streamer.endings
        assert not [pid for pid in pids if is_alive(pid)]
    with running_system(data) as second:
        said = "".join(second.lines)
        assert re.search(r"demo workspace: 0 created, 0 updated, \d\d unchanged, 0 failed", said), said
        second.kill_supervisor()
    with running_system(data, "--no-demo") as third:
        asked = third.cli("ask", "How long does the free trial last?")
        assert "21 days" in asked.stdout


def test_second_supervisor_is_refused(system: System) -> None:
    """Two supervisors never share a data folder."""
    command = [sys.executable, "-m", "deploy.local"]
    environment = {**clean_environment(system.data), "GATEWAY_PORT": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert "Another supervisor runs" in done.stderr


def test_processes_are_shown_with_their_memory(system: System) -> None:
    """`make ps` shows each process, and all of them together need less than 1.2 GB."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local", "ps"],
        env=clean_environment(system.data),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:-1]] == list(system.processes())
    assert float(lines[-1].split()[-1]) < 1200
