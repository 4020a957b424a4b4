"""The whole system as `make run` starts it, and what the measurements do with a knowledge base in it."""

import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import httpx

from tests.e2e.system import System, Workspace

DOCUMENTS = "/v1/knowledge/documents"
# Of a push; the most that a batch may have is 1,000.
_BATCH = 100
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 3600.0


class Base:
    """A workspace's knowledge base, over the gateway."""

    def __init__(self, system: System, name: str) -> None:
        self.workspace: Workspace = system.workspace(name, plan="enterprise")
        self.http = self.workspace.http

    def push(self, bodies: Sequence[dict[str, Any]], size: int = _BATCH) -> list[str]:
        """Write documents, in batches; return the operations' ids."""
        rest = iter(bodies)
        found = []
        while batch := list(islice(rest, size)):
            answer = self.http.post(f"{DOCUMENTS}/batch", json={"documents": batch})
            found.append(str(accepted(answer)["id"]))
        return found

    def wait_searchable(self) -> None:
        """Wait until every search finds all that was written."""
        wait(lambda: self.state()["pending"] == 0)
        failed = self.state()["failed"]
        if failed:
            raise RuntimeError(f"{failed} documents failed")

    def state(self) -> dict[str, Any]:
        """Return the state of the index."""
        return good(self.http.get("/v1/knowledge/index"))

    def ended(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Wait for the end of an operation and return it."""
        found: dict[str, Any] = {}

        def over() -> bool:
            found.update(good(self.http.get(f"/v1/knowledge/operations/{operation['id']}")))
            return found["status"] not in ("queued", "running")

        wait(over)
        return found

    def search(self, message: str, **more: object) -> dict[str, Any]:
        """Search."""
        return good(self.http.post("/v1/search", json={"message": message, **more}))


def accepted(answer: httpx.Response) -> dict[str, Any]:
    """Return the body of a 202; raise RuntimeError for anything else."""
    return _body(answer, 202)


def good(answer: httpx.Response) -> dict[str, Any]:
    """Return the body of a 200; raise RuntimeError for anything else."""
    return _body(answer, 200)


def wait(condition: Callable[[], bool], seconds: float = _POLL_SECONDS) -> None:
    """Wait until something is so; look again after so many seconds."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing came of it for {_PATIENCE_SECONDS:g} s")
        time.sleep(seconds)


def _body(answer: httpx.Response, status: int) -> dict[str, Any]:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found
