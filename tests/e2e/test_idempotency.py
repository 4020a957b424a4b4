"""`Idempotency-Key`, through the real gateway: the first response again, byte for byte."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pytest

from tests.e2e.corpus import QUESTION
from tests.e2e.system import Workspace, assert_problem, indexed

DOCUMENTS = "/v1/knowledge/documents"
# Headers that belong to the answer; the others tell of the request at hand.
_OF_THE_ANSWER = ("content-type", "etag", "location")


def post(workspace: Workspace, path: str, body: dict[str, Any], key: str) -> httpx.Response:
    """Sends a request under a key."""
    return workspace.http.post(path, json=body, headers={"idempotency-key": key})


def told(response: httpx.Response) -> tuple[int, bytes, list[str]]:
    """What has to be the same in both answers."""
    return response.status_code, response.content, [response.headers.get(each, "") for each in _OF_THE_ANSWER]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (
            DOCUMENTS,
            {"title": "A", "content": "B.", "metadata": {f"key-{n}": str(n) for n in range(16)}},
            202,
        ),
        (f"{DOCUMENTS}/batch", {"documents": [{"external_id": "once", "title": "A", "content": "B."}]}, 202),
        ("/v1/query", {"message": QUESTION, "explain": True, "metadata": {"b": "1", "a": "2"}}, 200),
        ("/v1/query/stream", {"message": QUESTION}, 200),
    ],
)
def test_first_response_is_given_again(
    scratch: Workspace, path: str, body: dict[str, Any], status: int
) -> None:
    """With its status and headers, and nothing is done twice; another body is refused."""
    key = secrets.token_hex(8)
    first = post(scratch, path, body, key)
    assert first.status_code == status, first.text
    if path == DOCUMENTS:
        indexed(scratch.http, first.json())
    again = post(scratch, path, dict(reversed(body.items())), key)
    assert told(again) == told(first)
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    changed = {**body, "title": "C"} if path == DOCUMENTS else {**body, "message": "Another one?"}
    if path.endswith("batch"):
        changed = {"documents": [{"external_id": "twice", "title": "A", "content": "B."}]}
    assert_problem(post(scratch, path, changed, key), 422, "IDEMPOTENCY_KEY_REUSED")


def test_refused_requests_leave_the_key_free(scratch: Workspace) -> None:
    """Who mends a request may send it under its key."""
    for path, wrong, right in (
        ("/v1/query", {"message": " "}, {"message": QUESTION}),
        (DOCUMENTS, {"title": "", "content": "B."}, {"title": "A", "content": "B."}),
    ):
        key = secrets.token_hex(8)
        assert_problem(post(scratch, path, wrong, key), 400, "INVALID_ARGUMENT")
        assert post(scratch, path, right, key).status_code in (200, 202)


def test_creation_tells_its_place_in_the_queue(scratch: Workspace) -> None:
    """The answer is 202 with where it waits and when it will be ready."""
    created = scratch.http.post(DOCUMENTS, json={"title": "A", "content": "Queued."})
    queue = created.json()["queue"]
    assert queue["position"] >= 1
    assert queue["estimated_ready_at"] > created.json()["created_at"]
