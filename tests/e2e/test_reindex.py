"""Re-indexes while the knowledge base is asked and changed, and the way back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.system import System, Workspace, assert_problem, client, finished, indexed

INDEX, REINDEX, DOCUMENTS = "/v1/knowledge/index", "/v1/knowledge/reindex", "/v1/knowledge/documents"
PAGES = {
    "kettle": "The kettle boils at ninety degrees.\n",
    "spoon": "The wooden spoon hangs beside the stove.\n",
    "apron": "Aprons are washed on Mondays.\n",
}


@pytest.fixture
def kitchen(system: System, request: pytest.FixtureRequest) -> Workspace:
    """A workspace with a few pages, which may be searched without a pause."""
    workspace = system.workspace(request.node.name.replace("_", "-")[:40], plan="enterprise")
    pages = [{"external_id": name, "title": name, "content": text} for name, text in PAGES.items()]
    operation = workspace.http.post(f"{DOCUMENTS}/batch", json={"documents": pages}).json()
    assert finished(workspace.http, operation)["status"] == "succeeded"
    return workspace


@contextmanager
def searched_all_the_time(system: System, workspace: Workspace) -> Iterator[list[tuple[int, set[str]]]]:
    """Searches without a pause; notes each status with the titles that were found."""
    seen: list[tuple[int, set[str]]] = []
    stop = threading.Event()

    def search() -> None:
        with client(system.url, workspace.key) as http:
            while not stop.is_set():
                answer = http.post("/v1/search", json={"message": "kettle spoon apron"})
                found = answer.json().get("results", [])
                seen.append((answer.status_code, {each["title"] for each in found}))

    threads = [threading.Thread(target=search) for _ in range(2)]
    for each in threads:
        each.start()
    try:
        yield seen
    finally:
        stop.set()
        for each in threads:
            each.join()


def generations(workspace: Workspace) -> tuple[int, int | None, int | None]:
    """The generation that serves, the next and the previous one."""
    found = workspace.http.get(INDEX).json()
    return found["generation"], found.get("next_generation"), found.get("previous_generation")


def titles(workspace: Workspace) -> set[str]:
    """What is found now."""
    results = workspace.http.post("/v1/search", json={"message": "kettle spoon apron ladle"}).json()[
        "results"
    ]
    return {each["title"] for each in results}


def test_there_and_back(system: System, kitchen: Workspace) -> None:
    """No search fails or misses a page; what is written meanwhile is right, also after going back."""
    with searched_all_the_time(system, kitchen) as seen:
        operation = kitchen.http.post(REINDEX).json()
        assert (operation["kind"], operation["generation"]) == ("reindex", 2)
        assert generations(kitchen) == (1, 2, None)
        ladle = {"external_id": "ladle", "title": "ladle", "content": "The ladle is in the drawer.\n"}
        indexed(kitchen.http, kitchen.http.post(DOCUMENTS, json=ladle).json())
        gone = kitchen.http.delete(f"{DOCUMENTS}/by-external-id/apron").json()
        assert finished(kitchen.http, gone)["status"] == "succeeded"
        assert titles(kitchen) == {"kettle", "spoon", "ladle"}
        ended = finished(kitchen.http, operation)
        assert (ended["status"], ended["total"], ended["done"]) == ("succeeded", 3, 3)
        assert generations(kitchen) == (2, None, 1)
        assert titles(kitchen) == {"kettle", "spoon", "ladle"}
        back = kitchen.http.post(f"{REINDEX}/rollback").json()
        assert (back["kind"], back["generation"]) == ("reindex_rollback", 1)
        assert finished(kitchen.http, back)["status"] == "succeeded"
        assert generations(kitchen) == (1, None, 2)
        assert titles(kitchen) == {"kettle", "spoon", "ladle"}
    assert {status for status, _ in seen} == {200}
    assert all({"kettle", "spoon"} <= found for _, found in seen)


def test_one_at_a_time_and_cancelled(kitchen: Workspace) -> None:
    """A second one is refused while one runs; a cancelled one leaves the index as it was."""
    operation = kitchen.http.post(REINDEX).json()
    assert_problem(kitchen.http.post(REINDEX), 409, "REINDEX_RUNNING")
    assert_problem(kitchen.http.post(f"{REINDEX}/rollback"), 409, "REINDEX_RUNNING")
    cancelled = kitchen.http.post(f"/v1/knowledge/operations/{operation['id']}/cancel").json()
    assert cancelled["status"] == "cancelled"
    assert generations(kitchen) == (1, None, None)
    assert_problem(kitchen.http.post(f"{REINDEX}/rollback"), 409, "NO_PREVIOUS_GENERATION")
    assert titles(kitchen) == set(PAGES)


def test_single_documents(kitchen: Workspace) -> None:
    """They are made anew where they are; what does not exist is named."""
    documents = kitchen.http.get(DOCUMENTS).json()["items"]
    ids = [each["id"] for each in documents]
    operation = kitchen.http.post(REINDEX, json={"document_ids": ids[:2]}).json()
    assert finished(kitchen.http, operation)["status"] == "succeeded"
    assert generations(kitchen) == (1, None, None)
    revisions = {each["id"]: each["revision"] for each in kitchen.http.get(DOCUMENTS).json()["items"]}
    changed = {each["id"] for each in documents if revisions[each["id"]] > each["revision"]}
    assert changed == set(ids[:2])
    unknown: dict[str, Any] = {"document_ids": [ids[0], "doc_none"]}
    problem = assert_problem(kitchen.http.post(REINDEX, json=unknown), 404, "DOCUMENT_NOT_FOUND")
    assert [each["pointer"] for each in problem["errors"]] == ["/document_ids/1"]
