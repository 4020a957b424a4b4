"""The real whole system, started by the supervisor as `make run` does, for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

ALL_SCOPES = (
    "query",
    "knowledge:read",
    "knowledge:write",
    "conversations:read",
    "conversations:write",
    "actions:read",
    "actions:run",
)
READY_WITHIN = 90.0


class System:
    """A running installation in a folder of its own."""

    def __init__(self, data: Path, process: subprocess.Popen[str], lines: list[str]) -> None:
        self.data = data
        self.lines = lines
        self._process = process
        endpoints = json.loads((data / "endpoints.json").read_text())
        self.url: str = endpoints["gateway"]
        self.operator_url: str = endpoints["operator"]
        self.grpc_target: str = endpoints["grpc"]

    def cli(
        self, *arguments: str, key: str = "", check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Runs the command line against this system."""
        environment = clean_environment(self.data)
        if key:
            environment["SUPPORTAGENT_KEY"] = key
        command = [sys.executable, "-m", "gateway.client", *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=timeout
        )
        assert done.returncode == 0 or not check, f"{arguments[:2]}: {done.stderr}"
        return done

    def workspace(self, name: str, *scopes: str, plan: str = "scale", **limits: int) -> Workspace:
        """Makes a workspace, with limits of its own, and a key of it by the command line."""
        self.cli("workspaces", "create", name, "--plan", plan)
        if limits:
            self.limit(name, **limits)
        return self.key_for(name, *scopes)

    def limit(self, name: str, **limits: int) -> None:
        """Gives a workspace limits of its own; within 5 s they hold."""
        given = [word for limit, value in limits.items() for word in ("--limit", f"{limit}={value}")]
        self.cli("workspaces", "update", name, *given)

    def key_for(self, name: str, *scopes: str, options: Sequence[str] = ()) -> Workspace:
        """Makes another key of a workspace."""
        wanted = ",".join(scopes or ALL_SCOPES)
        return self._made(name, "keys", "create", "--workspace", name, "--scopes", wanted, *options)

    def publishable_key_for(self, name: str, *origins: str, options: Sequence[str] = ()) -> Workspace:
        """Makes a publishable key of a workspace; its client says that it comes from the first origin."""
        given = [word for origin in origins for word in ("--origin", origin)]
        made = self._made(name, "keys", "create", "--workspace", name, "--publishable", *given, *options)
        made.http.headers["origin"] = origins[0]
        return made

    def rotated(self, key: Workspace, overlap: str) -> Workspace:
        """Makes a key's successor."""
        return self._made(key.name, "keys", "rotate", key.key_id, "--overlap", overlap)

    def processes(self) -> dict[str, dict[str, Any]]:
        """What the supervisor says of its processes."""
        state: dict[str, dict[str, Any]] = json.loads((self.data / "processes.json").read_text())["processes"]
        return state

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends a signal to one process, by its id; returns how often it had been started by then."""
        process = self.processes()[name]
        os.kill(process["pid"], number)
        return int(process["starts"])

    def wait_restarted(self, name: str, starts: int) -> None:
        """Waits until a process that was killed is ready again."""

        def restarted() -> bool:
            process = self.processes()[name]
            return bool(process["starts"] > starts and process["state"] == "ready")

        until(restarted, f"{name} to come back", seconds=60)

    def kill_supervisor(self) -> None:
        """Kills the supervisor outright and waits until the processes that it had started are gone too."""
        pids = [process["pid"] for process in self.processes().values()]
        self._process.kill()
        self._process.wait()
        until(lambda: not any(is_alive(pid) for pid in pids), "the processes to die with their supervisor")

    def stop(self) -> int:
        """Stops the system as Ctrl-C would; returns the supervisor's exit status."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=90)

    def _made(self, name: str, *arguments: str) -> Workspace:
        key = json.loads(self.cli(*arguments, "--json").stdout)
        return Workspace(name, key["key"], key["id"], client(self.url, key["key"]), key["workspace_id"])


@dataclass(frozen=True)
class Workspace:
    """A workspace, one of its keys, and HTTP with that key."""

    name: str
    key: str
    key_id: str
    http: httpx.Client
    id: str


@contextmanager
def running_system(data: Path, *options: str, settings: Mapping[str, str] | None = None) -> Iterator[System]:
    """Starts a system and stops it at the end; `settings` are variables that every process gets."""
    environment = {**clean_environment(data), "GATEWAY_PORT": "0", **(settings or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.local", "run", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        deadline = time.monotonic() + READY_WITHIN
        while not any(line.startswith("ready on ") for line in lines):
            assert process.poll() is None, "the system did not start:\n" + "".join(lines)
            assert time.monotonic() < deadline, "the system is not ready:\n" + "".join(lines)
            time.sleep(0.05)
        system = System(data, process, lines)
        yield system
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=90)
            except subprocess.TimeoutExpired:
                process.kill()
        reader.join(timeout=5)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not fetched by anybody does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def clean_environment(data: Path) -> dict[str, str]:
    """The environment of a program of this system, without what the developer's shell says of another one."""
    names = ("GATEWAY_PORT", "SUPPORTAGENT_KEY", "SUPPORTAGENT_LOG_LEVEL")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return {**kept, "DATA_DIR": str(data)}


def client(url: str, key: str = "") -> httpx.Client:
    """HTTP that insists on a request id in every answer."""
    return httpx.Client(
        base_url=url,
        headers={"authorization": f"Bearer {key}"} if key else {},
        timeout=65,
        trust_env=False,
        event_hooks={"response": [_has_request_id]},
    )


def until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Waits for a condition; it fails with `what` when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def finished(http: httpx.Client, operation: dict[str, Any]) -> dict[str, Any]:
    """Waits for the end of an operation and returns it."""
    found: dict[str, Any] = dict(operation)

    def ended() -> bool:
        answer = http.get(f"/v1/knowledge/operations/{operation['id']}")
        if answer.status_code == 200:
            found.update(answer.json())
        return found["status"] not in ("queued", "running")

    until(ended, f"the end of {operation['id']}")
    return found


def indexed(http: httpx.Client, document: dict[str, Any]) -> dict[str, Any]:
    """Waits until a document is in the index and returns it."""
    found: dict[str, Any] = dict(document)

    def ready() -> bool:
        answer = http.get(f"/v1/knowledge/documents/{document['id']}")
        if answer.status_code == 200:
            found.update(answer.json())
        assert found["status"] != "failed", found
        return bool(found["status"] == "indexed")

    until(ready, f"{document['id']} to be indexed")
    return found


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Checks that an answer is the documented problem body and returns it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == "about:blank"
    assert body["status"] == status
    assert body["code"] == code
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert set(body) <= {"type", "title", "status", "detail", "code", "request_id", "errors"}
    return body


def events_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The events of a stream that has been read."""
    lines = [line for line in answer.text.splitlines() if line]
    assert all(line.startswith("data:") for line in lines), lines
    return [json.loads(line.removeprefix("data:")) for line in lines]


def _has_request_id(answer: httpx.Response) -> None:
    assert answer.headers.get("x-request-id"), f"{answer.request.url} answered without X-Request-Id"


def _read(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
