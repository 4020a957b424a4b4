"""Versions of documents, and answers as of then."""

from __future__ import annotations

from typing import Any

from tests.e2e.asking import ask
from tests.e2e.system import Workspace, assert_problem, finished, indexed

DOCUMENTS = "/v1/knowledge/documents"


def written(workspace: Workspace, *contents: str) -> dict[str, Any]:
    """Write a document's contents one after the other; return what it is then."""
    answer = workspace.http.post(DOCUMENTS, json={"title": "The ferry", "content": contents[0]})
    document = indexed(workspace.http, answer.json())
    for content in contents[1:]:
        path = f"{DOCUMENTS}/{document['id']}"
        document = indexed(workspace.http, workspace.http.patch(path, json={"content": content}).json())
    return document


def test_versions_are_listed_and_read(scratch: Workspace) -> None:
    """Each change is a version, newest first; its content can be read until it is pruned."""
    document = written(scratch, "The ferry leaves at nine.\n", "The ferry leaves at noon.\n")
    path = f"{DOCUMENTS}/{document['id']}/versions"
    items = scratch.http.get(path).json()["items"]
    assert [(each["version"], each["current"]) for each in items] == [(2, True), (1, False)]
    assert all("content" not in each for each in items)
    assert items[1]["replaced_at"] == items[0]["created_at"]
    assert 0 < items[1]["revision"] < items[0]["revision"]
    assert scratch.http.get(f"{path}/1").json()["content"] == "The ferry leaves at nine.\n"
    assert scratch.http.get(f"{path}/2").json()["content"] == "The ferry leaves at noon.\n"
    first = scratch.http.get(path, params={"page_size": 1}).json()
    second = scratch.http.get(path, params={"page_size": 1, "page_token": first["next_page_token"]}).json()
    assert [each["version"] for each in first["items"] + second["items"]] == [2, 1]
    assert second.get("next_page_token", "") == ""
    assert_problem(scratch.http.get(f"{path}/3"), 404, "VERSION_NOT_FOUND")
    assert_problem(scratch.http.get(f"{DOCUMENTS}/doc_none/versions"), 404, "DOCUMENT_NOT_FOUND")


def test_questions_are_answered_as_of_then(scratch: Workspace) -> None:
    """With `knowledge_revision` an answer is made of what was known then."""
    document = written(scratch, "The hovercraft leaves at nine.\n", "The hovercraft leaves at noon.\n")
    items = scratch.http.get(f"{DOCUMENTS}/{document['id']}/versions").json()["items"]
    question = "When does the hovercraft leave?"
    then = ask(scratch, question, knowledge_revision=items[1]["revision"], min_confidence=0)
    assert "nine" in then["answer"]
    assert then["knowledge_revision"] == items[1]["revision"]
    assert "noon" in ask(scratch, question, min_confidence=0)["answer"]


def test_if_match_may_list_several(scratch: Workspace) -> None:
    """A change is made where the document is in any of the listed states."""
    document = written(scratch, "A page with a tag.\n")
    path = f"{DOCUMENTS}/{document['id']}"
    for listed, status in (('"7", "1"', 200), ('"7","8"', 412), ('"7", "2"', 200)):
        tags = {"tags": [listed[-2]]}
        assert scratch.http.patch(path, json=tags, headers={"If-Match": listed}).status_code == status


def test_what_failed_is_tried_again(scratch: Workspace) -> None:
    """A retry is an operation of the failed documents; one with nothing to retry is refused."""
    body = {"documents": [{"external_id": "retry/a", "title": "", "content": "x"}]}
    refused = scratch.http.post(f"{DOCUMENTS}/batch", json=body).json()
    assert refused["status"] == "failed"
    path = f"/v1/knowledge/operations/{refused['id']}/retry"
    assert_problem(scratch.http.post(path), 409, "NOTHING_TO_RETRY")
    broken = {"external_id": "retry/pdf", "title": "Broken", "content_type": "application/pdf"}
    body = {"documents": [{**broken, "content_base64": "bm8gUERG"}]}
    failed = finished(scratch.http, scratch.http.post(f"{DOCUMENTS}/batch", json=body).json())
    assert failed["status"] == "failed"
    path = f"/v1/knowledge/operations/{failed['id']}/retry"
    answers = [scratch.http.post(path, headers={"Idempotency-Key": "retry-1"}) for _ in range(2)]
    assert [each.status_code for each in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    again = finished(scratch.http, answers[0].json())
    assert (again["kind"], again["status"], again["total"]) == ("document_batch", "failed", 1)
    assert_problem(scratch.http.post("/v1/knowledge/operations/op_none/retry"), 404, "OPERATION_NOT_FOUND")
