"""Deletion with a canary: its words are searched for in all files of the system."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asking import ask
from tests.e2e.system import System, Workspace, assert_problem, finished, indexed, until

DOCUMENTS = "/v1/knowledge/documents"

# Each is in one place of the document, or of an earlier version.
TITLE, HEADING, TEXT, EARLIER = "Quorvex", "Drandlemoor", "Blistenquay", "Frobhollow"
URL, TAG, KEY, VALUE = "skaldrick", "umberweft", "vintlekey", "morthvalue"
CANARIES = (TITLE, HEADING, TEXT, EARLIER, URL, TAG, KEY, VALUE)


def held(data: Path) -> dict[str, list[str]]:
    """Return which canaries which files of a system hold, as they are written or in small letters."""
    found: dict[str, list[str]] = {}
    for path in (each for each in data.rglob("*") if each.is_file()):
        try:
            content = path.read_bytes().lower()
        except FileNotFoundError:  # removed meanwhile
            continue
        words = [each for each in CANARIES if each.lower().encode() in content]
        if words:
            found[os.fspath(path.relative_to(data))] = words
    return found


def canary() -> dict[str, Any]:
    return {
        "external_id": "deletion/canary",
        "title": f"The {TITLE} lamp",
        "content": f"# {HEADING}\n\nThe {EARLIER} lamp is filled with oil every evening.\n",
        "url": f"https://example.com/{URL}",
        "tags": [TAG],
        "metadata": {KEY: VALUE},
    }


@pytest.fixture(scope="module")
def workspace(system: System) -> Workspace:
    """A workspace of these tests' own."""
    return system.workspace("erased")


@pytest.fixture
def document(workspace: Workspace) -> dict[str, Any]:
    """A document with an earlier version, which answers and repeated requests have shown."""
    once = {"Idempotency-Key": "canary-1"}
    created = workspace.http.post(DOCUMENTS, json=canary(), headers=once)
    assert created.status_code == 202, created.text
    first = indexed(workspace.http, created.json())
    content = f"# {HEADING}\n\nThe {TEXT} lamp is filled with oil every morning.\n"
    changed = workspace.http.patch(f"{DOCUMENTS}/{first['id']}", json={"content": content})
    return indexed(workspace.http, changed.json())


def test_nothing_is_left_of_a_deleted_document(
    system: System, workspace: Workspace, document: dict[str, Any]
) -> None:
    """After the operation has succeeded no file has a word of it, and no repeated answer cites it."""
    question = {"message": f"When is the {TEXT} lamp filled?", "store": False, "min_confidence": 0}
    once = {"Idempotency-Key": "canary-2"}
    first = workspace.http.post("/v1/query", json=question, headers=once)
    assert [each["document_id"] for each in first.json()["sources"]] == [document["id"]]
    # With a revision of before the edit, its earlier version answers.
    earlier = workspace.http.get(f"{DOCUMENTS}/{document['id']}/versions").json()["items"][-1]
    then = ask(
        workspace, f"When is the {EARLIER} lamp filled?", knowledge_revision=earlier["revision"], store=False
    )
    assert EARLIER in then["sources"][0]["excerpt"]
    assert {word for words in held(system.data).values() for word in words} == set(CANARIES)

    operation = finished(workspace.http, workspace.http.delete(f"{DOCUMENTS}/{document['id']}").json())

    assert operation["status"] == "succeeded"
    assert held(system.data) == {}
    receipt = operation["receipt"]
    assert (receipt["chunks"], receipt["versions"], receipt["answers"]) == (1, 1, 1)
    assert receipt["bytes"] > 100
    assert receipt["erased_at"]
    assert all(each["unfindable_at"] and each["erased_at"] for each in receipt["replicas"])
    assert len(receipt["replicas"]) == 1
    assert any("ranscripts" in each for each in receipt["kept"])
    again = workspace.http.post("/v1/query", json=question, headers=once)
    assert again.status_code == 200
    assert document["id"] not in again.text
    late = workspace.http.post(DOCUMENTS, json=canary(), headers={"Idempotency-Key": "canary-1"})
    assert_problem(late, 404, "DOCUMENT_NOT_FOUND")
    past = {"message": f"When is the {EARLIER} lamp filled?", "knowledge_revision": earlier["revision"]}
    assert document["id"] not in workspace.http.post("/v1/search", json=past).text


def test_receipt_is_there_while_the_deletion_runs(workspace: Workspace) -> None:
    """What was removed is told at once, who confirmed it as it comes."""
    created = workspace.http.post(DOCUMENTS, json={"title": "Plain", "content": "Plain text of a page.\n"})
    document = indexed(workspace.http, created.json())
    accepted = workspace.http.delete(f"{DOCUMENTS}/{document['id']}").json()
    assert (accepted["status"], accepted["receipt"]["chunks"]) == ("running", 1)
    path = f"/v1/knowledge/operations/{accepted['id']}"
    until(lambda: "erased_at" in workspace.http.get(path).json()["receipt"], "the receipt to be whole")
    assert workspace.http.get(path).json()["status"] == "succeeded"
