"""Quotas of the knowledge base beyond single documents: batches, and the test twin."""

from __future__ import annotations

from functools import partial

from tests.e2e.system import System, Workspace, assert_problem, finished, until

DOCUMENTS = "/v1/knowledge/documents"


def test_batch_takes_what_there_is_room_for(system: System) -> None:
    """What is over the quota fails alone, by name; what is there can be replaced."""
    workspace = system.workspace("quota-batch", documents=2)
    pages = [
        {"external_id": f"p{number}", "title": f"Page {number}", "content": "Jam."} for number in range(3)
    ]
    accepted = workspace.http.post(f"{DOCUMENTS}/batch", json={"documents": pages})
    assert accepted.status_code == 202
    operation = finished(workspace.http, accepted.json())
    assert (operation["status"], operation["failed"]) == ("partially_failed", 1)
    (error,) = operation["errors"]
    assert (error["external_id"], error["code"]) == ("p2", "QUOTA_EXCEEDED")
    again = [{**page, "content": "More jam."} for page in pages[:2]]
    accepted = workspace.http.post(f"{DOCUMENTS}/batch", json={"documents": again})
    assert finished(workspace.http, accepted.json())["status"] == "succeeded"


def test_twin_has_room_of_its_own(system: System) -> None:
    """The same limit, and nothing of the live workspace in it."""
    live = system.workspace("quota-twin-pages", documents=1)
    test = system.key_for("quota-twin-pages", options=["--environment", "test"])
    for workspace in (live, test):
        page = {"title": "Page", "content": "Jam."}
        assert workspace.http.post(DOCUMENTS, json=page).status_code == 202
        assert_problem(workspace.http.post(DOCUMENTS, json=page), 429, "QUOTA_EXCEEDED")
        until(partial(_shows, workspace, 1), "the report of it")


def _shows(workspace: Workspace, used: int) -> bool:
    documents = workspace.http.get("/v1/usage").json()["knowledge"]["documents"]
    return bool(documents == {"used": used, "limit": 1})
