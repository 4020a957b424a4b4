"""
The gateway in front of a service that answers at once: Valkey, access and Envoy as `make run` starts them.

A second Envoy has the same chain without the check. Neither has the flood guard, which is there to end just
such a load from one address.
"""

import copy
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from deploy.local.data_directory import DataDirectory
from deploy.local.envoy import envoy_command
from deploy.local.installation import Addresses, processes, shared_environment
from deploy.local.log_file import LogFile
from deploy.local.process import Process
from deploy.local.readiness import HttpOk
from deploy.local.specification import Specification
from tests.bench.data import ROOT
from tests.bench.load import Target
from tests.bench.trivial_query import SERVICE

_PATIENCE_SECONDS = 60.0
# The most that an operator may set.
MOST_PER_MINUTE = 1_000_000
_MOST_QUERIES = 1_000_000_000


@dataclass(frozen=True)
class Key:
    """A workspace's key, its headers for the load generator."""

    workspace_id: str
    headers: tuple[str, ...]


class GatewayStack:
    """All processes, from `with` to its end."""

    def __init__(self, folder: Path) -> None:
        self._data = DataDirectory(folder)
        self._addresses = Addresses.allocate(0)
        self._specifications = {each.name: each for each in processes(self._data, self._addresses)}
        self._stack = ExitStack()
        self._running: dict[str, psutil.Process] = {}
        # Of the Envoy without the check.
        self._bare, self._bare_admin = (Addresses.allocate(0).gateway for _ in range(2))

    def __enter__(self) -> "GatewayStack":
        """Start everything, in turn."""
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self._stack.close()

    @property
    def redis_url(self) -> str:
        """Where the counters are."""
        return self._specifications["access"].environment["ACCESS_REDIS_URL"]

    def direct(self) -> Target:
        """The service itself."""
        return Target("grpc", self._addresses.target("query"), f"/{SERVICE}/Query")

    def unchecked(self) -> Target:
        """Through Envoy, which asks nobody."""
        return Target("http", f"127.0.0.1:{self._bare}", "/v1/query")

    def checked(self, key: Key) -> Target:
        """Through Envoy, which asks access."""
        return Target("http", f"127.0.0.1:{self._addresses.gateway}", "/v1/query", key.headers)

    def native(self, key: Key) -> Target:
        """Through Envoy's listener for native gRPC, which asks access."""
        return Target("grpc", self._addresses.grpc_target, f"/{SERVICE}/Query", key.headers)

    def processor_seconds(self) -> dict[str, float]:
        """What each process has used of the processors so far."""
        found = {name: process.cpu_times() for name, process in self._running.items()}
        return {name: times.user + times.system for name, times in found.items()}

    @contextmanager
    def hanging(self, name: str, after_seconds: float) -> Iterator[None]:
        """Let a process hang from some seconds after the beginning to the end."""
        process = self._running[name]
        timer = threading.Timer(after_seconds, process.suspend)
        timer.start()
        try:
            yield
        finally:
            timer.join()
            process.resume()

    def key(self, name: str, per_minute: int) -> Key:
        """Make a workspace with its own limits, and a key that has one too: two buckets and a quota."""
        token = self._data.operator_token.read_text().strip()
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(
            base_url=self._addresses.operator_url, headers=headers, trust_env=False
        ) as operator:
            _sent(operator, "POST", "/operator/v1/workspaces", {"name": name, "plan": "enterprise"})
            limits = {"requests_per_minute": per_minute, "queries": _MOST_QUERIES}
            _sent(operator, "PATCH", f"/operator/v1/workspaces/{name}", {"limits": limits})
            wanted = {"workspace": name, "scopes": ["query"], "requests_per_minute": per_minute}
            made = _sent(operator, "POST", "/operator/v1/keys", wanted)
        return Key(made["workspace_id"], (f"authorization: Bearer {made['key']}",))

    def _start(self) -> None:
        backend = [sys.executable, "-m", "tests.bench.trivial_query", self._addresses.target("query")]
        service = subprocess.Popen(backend, cwd=ROOT, stdout=subprocess.DEVNULL)
        self._stack.callback(_ended, service)
        self._running["service"] = psutil.Process(service.pid)
        shipped = json.loads((self._data.envoy / "envoy.json").read_text())
        self._run(self._specifications["valkey"])
        self._run(self._specifications["access"])
        self._run(
            self._envoy("envoy-checked", without(shipped, "local_ratelimit"), self._addresses.envoy_admin)
        )
        bare = without(shipped, "local_ratelimit", "ext_authz")
        bare["admin"]["address"]["socket_address"]["port_value"] = self._bare_admin
        listeners = bare["static_resources"]["listeners"]
        bare["static_resources"]["listeners"] = listeners[:1]
        listeners[0]["address"]["socket_address"]["port_value"] = self._bare
        self._run(self._envoy("envoy-unchecked", bare, self._bare_admin))

    def _envoy(self, name: str, configuration: dict[str, Any], admin: int) -> Specification:
        path = self._data.envoy / f"{name}.bench.json"
        path.write_text(json.dumps(configuration))
        return Specification(
            name, envoy_command(path), port=admin, readiness=HttpOk(f"http://127.0.0.1:{admin}/ready")
        )

    def _run(self, specification: Specification) -> None:
        environment = shared_environment(self._data, dict(os.environ))
        environment["SUPPORTAGENT_LOG_LEVEL"] = "warning"
        log = LogFile(self._data.logs / f"{specification.name}.log")
        process = Process(specification, log, environment=environment)
        process.start()
        self._stack.callback(process.stop)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not specification.readiness.is_ready():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{specification.name} is not ready:\n{log.tail()}")
            time.sleep(0.05)
        self._running[specification.name] = psutil.Process(process.pid)


def without(configuration: dict[str, Any], *filters: str) -> dict[str, Any]:
    """Return Envoy's configuration without the HTTP filters of these names."""
    changed = copy.deepcopy(configuration)
    for listener in changed["static_resources"]["listeners"]:
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        manager["http_filters"] = [each for each in manager["http_filters"] if each["name"] not in filters]
        for host in manager["route_config"]["virtual_hosts"]:
            for route in host["routes"]:
                for name in filters:
                    route.get("typed_per_filter_config", {}).pop(name, None)
    return changed


def _sent(operator: httpx.Client, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = operator.request(method, path, json=body)
    if answer.is_error:
        raise RuntimeError(f"{method} {path}: {answer.text}")
    found: dict[str, Any] = answer.json()
    return found


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
