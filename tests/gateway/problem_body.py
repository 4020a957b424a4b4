"""What every error of the gateway looks like."""

from typing import Any

import httpx

KEYS = ["type", "title", "status", "detail", "code", "request_id", "errors"]


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check status, headers and shape of a problem body, and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert sorted(body) == sorted(KEYS)
    assert body["type"] == "about:blank"
    assert body["status"] == status
    assert body["code"] == code
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"] != ""
    if status in (429, 503):
        assert int(response.headers["retry-after"]) >= 1
    return body


def pointers(body: dict[str, Any]) -> list[str]:
    """Return where the violations are, in order."""
    assert all(sorted(each) == ["detail", "pointer"] and each["detail"] for each in body["errors"])
    return [each["pointer"] for each in body["errors"]]
