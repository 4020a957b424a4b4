"""What can go wrong between the client and the system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class ClientError(Exception):
    """Something that the person at the terminal should read; its text is for people."""


class ApiError(ClientError):
    """
    The system refused a request with a problem body (RFC 9457).

    Attributes:
        status: the HTTP status.
        code: the documented reason, such as `DOCUMENT_NOT_FOUND`; empty when the answer was no problem body.
        request_id: what to give to support.
        violations: each broken rule as (JSON pointer, text).
    """

    def __init__(self, status: int, problem: Mapping[str, Any], request_id: str) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail") or problem.get("title") or f"HTTP status {status}")
        self.request_id = str(problem.get("request_id") or request_id)
        errors = problem.get("errors") or []
        self.violations = [(str(each.get("pointer", "")), str(each.get("detail", ""))) for each in errors]
        super().__init__(self.detail)

    @classmethod
    def of(cls, response: httpx.Response) -> ApiError:
        """The error of a response whose body has been read."""
        try:
            body = response.json()
        except ValueError:
            body = {}
        problem = body if isinstance(body, dict) else {}
        return cls(response.status_code, problem, response.headers.get("x-request-id", ""))


class Unreachable(ClientError):
    """No answer came from the system, retries included."""


class NotConfigured(ClientError):
    """A key, a token or an address is missing."""
