"""An installation changes its embedding model, and its mind, while it is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.local.installation import REPOSITORY
from tests.e2e import corpus
from tests.e2e.system import Workspace, client, finished, indexed, running_system
from tests.fakes.embedding_server import EmbeddingServer

REINDEX, DOCUMENTS = "/v1/knowledge/reindex", "/v1/knowledge/documents"
BUNDLED = str(REPOSITORY / "build/models/all-minilm-l6-v2-int8")
# So that a switch, which waits for all leases, is soon.
SOON = {"KNOWLEDGE_LEASE_SECONDS": "3"}
FOLLOW_UP = {
    "message": "And an unopened one?",
    "history": [{"role": "user", "content": corpus.QUESTION}],
}


class Askers:
    """Threads that ask without a pause, a question and a follow-up in turn, and note every answer."""

    def __init__(self, url: str, key: str) -> None:
        self.statuses: list[int] = []
        self.first_sources: set[str] = set()
        self._url, self._key = url, key
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]

    def start(self) -> None:
        """Begin."""
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        for each in self._threads:
            each.join()

    def _ask(self) -> None:
        question: dict[str, Any] = {"message": corpus.QUESTION}
        with client(self._url, self._key) as http:
            while not self._stop.is_set():
                for body in (question, FOLLOW_UP):
                    answer = http.post("/v1/query", json={**body, "store": False})
                    self.statuses.append(answer.status_code)
                    if answer.status_code == 200 and body is question:
                        self.first_sources.add(answer.json()["sources"][0]["title"])


@contextmanager
def asked_all_the_time(url: str, key: str) -> Iterator[Askers]:
    """Ask while something happens."""
    askers = Askers(url, key)
    askers.start()
    try:
        yield askers
    finally:
        askers.stop()


def index(workspace: Workspace) -> tuple[str, int, int]:
    """The model of the index, the length of its vectors, and the generation."""
    found = workspace.http.get("/v1/knowledge/index").json()
    return found["embedding_model"], found["dimensions"], found["generation"]


def change(workspace: Workspace, path: str) -> None:
    """Goes over to another generation."""
    operation = workspace.http.post(path).json()
    assert finished(workspace.http, operation)["status"] == "succeeded"


@pytest.mark.timeout(240)
def test_a_change_of_the_model_fails_no_question(tmp_path: Path) -> None:
    """
    Another model with vectors of another length: a re-index like any other, and a rollback like any other.

    Before the re-index questions are embedded with the index's model, although new indexes get another one.
    """
    data = tmp_path / "data"
    with running_system(data, "--no-demo", settings=SOON) as system:
        workspace = system.workspace("models")
        pages = corpus.write(tmp_path / "pages", corpus.LEAF)
        system.cli("kb", "push", str(pages), key=workspace.key)
        bundled = index(workspace)
    with EmbeddingServer("other-model", 128) as server:
        settings = {**SOON, **server.settings(), "PREVIOUS_EMBEDDING_MODEL_DIR": BUNDLED}
        with running_system(data, "--no-demo", settings=settings) as system:
            workspace = Workspace(
                workspace.name,
                workspace.key,
                workspace.key_id,
                client(system.url, workspace.key),
                workspace.id,
            )
            with asked_all_the_time(system.url, workspace.key) as askers:
                assert index(workspace) == bundled
                change(workspace, REINDEX)
                assert index(workspace) == ("other-model", 128, bundled[2] + 1)
                page = {"title": "Pets", "content": "Bring the parrot along.\n"}
                indexed(workspace.http, workspace.http.post(DOCUMENTS, json=page).json())
                change(workspace, f"{REINDEX}/rollback")
                assert index(workspace) == bundled
            assert set(askers.statuses) == {200}
            assert len(askers.statuses) > 50
            assert len(askers.first_sources) == 1
            found = workspace.http.post("/v1/search", json={"message": "Bring the parrot along"}).json()
            assert found["results"][0]["title"] == "Pets"
