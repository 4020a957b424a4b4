"""What services' errors become for callers."""

from collections.abc import Sequence
from typing import Any, NoReturn

import grpc
import httpx
import pytest
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.kernel.errors import DomainError, ErrorKind, Violation
from tests.gateway.conftest import Gateway
from tests.gateway.problem_body import assert_problem, pointers

SECRET = "psycopg.errors: password=hunter2"


def fail(reason: str, kind: ErrorKind, detail: str = "What happened.", **more: Any) -> Any:
    """Return a behaviour that raises a domain error."""

    def behaviour(request: Any, context: grpc.ServicerContext) -> NoReturn:
        error = DomainError(detail, **more)
        error.kind, error.reason = kind, reason  # type: ignore[misc]
        raise error

    return behaviour


@pytest.mark.parametrize(
    ("reason", "kind", "status"),
    [
        ("INVALID_ARGUMENT", ErrorKind.INVALID_ARGUMENT, 400),
        ("DOCUMENT_NOT_FOUND", ErrorKind.NOT_FOUND, 404),
        ("EXTERNAL_ID_TAKEN", ErrorKind.ALREADY_EXISTS, 409),
        ("ETAG_MISMATCH", ErrorKind.FAILED_PRECONDITION, 412),
        ("OPERATION_FINISHED", ErrorKind.FAILED_PRECONDITION, 409),
        ("IDEMPOTENCY_KEY_IN_FLIGHT", ErrorKind.ABORTED, 409),
        ("IDEMPOTENCY_KEY_REUSED", ErrorKind.FAILED_PRECONDITION, 422),
        ("USER_TOKEN_REFUSED", ErrorKind.UNAUTHENTICATED, 401),
        ("RATE_LIMITED", ErrorKind.RESOURCE_EXHAUSTED, 429),
        ("UNAVAILABLE", ErrorKind.UNAVAILABLE, 503),
        ("INDEX_BEHIND", ErrorKind.UNAVAILABLE, 503),
        ("DEADLINE_EXCEEDED", ErrorKind.DEADLINE_EXCEEDED, 504),
    ],
)
def test_reasons(client: httpx.Client, gateway: Gateway, reason: str, kind: ErrorKind, status: int) -> None:
    """The reason is the code, and gives the status; the detail is the service's."""
    gateway.knowledge.calls.on("GetDocument", fail(reason, kind))
    problem = assert_problem(client.get("/v1/knowledge/documents/doc_1"), status, reason)
    assert problem["detail"] == "What happened."
    assert problem["errors"] == []


def test_violations(client: httpx.Client, gateway: Gateway) -> None:
    """A service's violations are listed with their pointers, quotes and all."""
    violations = [
        Violation("/message", 'at most 8,000 "characters"\n'),
        Violation("/filters/tags/3", "é \\ too long"),
    ]
    gateway.query.calls.on(
        "Query", fail("INVALID_ARGUMENT", ErrorKind.INVALID_ARGUMENT, violations=violations)
    )
    problem = assert_problem(client.post("/v1/query", json={"message": "a"}), 400, "INVALID_ARGUMENT")
    assert pointers(problem) == ["/message", "/filters/tags/3"]
    assert [each["detail"] for each in problem["errors"]] == [each.detail for each in violations]


@pytest.mark.parametrize(("wait", "seconds"), [(7.0, "7"), (0.2, "1"), (2.4, "3"), (None, "1")])
def test_retry_after(client: httpx.Client, gateway: Gateway, wait: float | None, seconds: str) -> None:
    """A wait is told in whole seconds, rounded up; without one it is a second."""
    gateway.query.calls.on("Query", fail("UNAVAILABLE", ErrorKind.UNAVAILABLE, retry_after=wait))
    response = client.post("/v1/query", json={"message": "a"})
    assert_problem(response, 503, "UNAVAILABLE")
    assert response.headers["retry-after"] == seconds


def test_unforeseen_errors_are_not_told(client: httpx.Client, gateway: Gateway) -> None:
    """An exception's text stays inside; the reference is the log's."""

    def behaviour(request: Any, context: grpc.ServicerContext) -> NoReturn:
        raise RuntimeError(SECRET)

    gateway.query.calls.on("Query", behaviour)
    response = client.post("/v1/query", json={"message": "a"})
    problem = assert_problem(response, 500, "INTERNAL")
    assert "hunter2" not in response.text
    assert problem["detail"].startswith("Something went wrong on our side. Reference: ")


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (code_pb2.CANCELLED, 503, "UNAVAILABLE"),
        (code_pb2.UNKNOWN, 500, "INTERNAL"),
        (code_pb2.INVALID_ARGUMENT, 400, "INVALID_ARGUMENT"),
        (code_pb2.DEADLINE_EXCEEDED, 504, "DEADLINE_EXCEEDED"),
        (code_pb2.NOT_FOUND, 500, "INTERNAL"),
        (code_pb2.PERMISSION_DENIED, 500, "INTERNAL"),
        (code_pb2.RESOURCE_EXHAUSTED, 503, "UNAVAILABLE"),
        (code_pb2.UNIMPLEMENTED, 500, "INTERNAL"),
        (code_pb2.INTERNAL, 500, "INTERNAL"),
        (code_pb2.UNAVAILABLE, 503, "UNAVAILABLE"),
        (code_pb2.DATA_LOSS, 500, "INTERNAL"),
    ],
)
def test_statuses_without_a_reason(
    client: httpx.Client, gateway: Gateway, code: int, status: int, reason: str
) -> None:
    """A status without our ErrorInfo is translated by its code, and its text is replaced."""
    gateway.conversations.calls.on("GetConversation", lambda request, context: abort(context, code))
    response = client.get("/v1/conversations/conv_1")
    assert_problem(response, status, reason)
    assert "hunter2" not in response.text


def abort(context: grpc.ServicerContext, code: int, details: Sequence[any_pb2.Any] = ()) -> NoReturn:
    """End a call as gRPC or a library of others would."""
    status = status_pb2.Status(code=code, message=SECRET, details=details)
    if details:
        context.abort_with_status(rpc_status.to_status(status))
    context.abort(next(each for each in grpc.StatusCode if each.value[0] == code), SECRET)
    raise AssertionError("abort raises")


def test_a_reason_that_nobody_knows(client: httpx.Client, gateway: Gateway) -> None:
    """A reason from outside our table is not believed, nor is the text beside it."""
    gateway.query.calls.on("Query", fail("SQL_STATE_42", ErrorKind.UNAVAILABLE, SECRET))
    response = client.post("/v1/query", json={"message": "a"})
    assert_problem(response, 503, "UNAVAILABLE")
    assert "hunter2" not in response.text


def test_an_internal_error_never_shows_its_text(client: httpx.Client, gateway: Gateway) -> None:
    """INTERNAL with a reason and a reference shows the reference alone."""
    metadata = {"reference": "abc123"}
    gateway.query.calls.on("Query", fail("INTERNAL", ErrorKind.INTERNAL, SECRET, metadata=metadata))
    problem = assert_problem(client.post("/v1/query", json={"message": "a"}), 500, "INTERNAL")
    assert problem["detail"] == "Something went wrong on our side. Reference: abc123."


def test_other_details_do_no_harm(client: httpx.Client, gateway: Gateway) -> None:
    """A detail of another kind is passed over."""
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.DebugInfo(detail=SECRET))
    gateway.query.calls.on("Query", fail("INVALID_ARGUMENT", ErrorKind.INVALID_ARGUMENT))
    assert_problem(client.post("/v1/query", json={"message": "a"}), 400, "INVALID_ARGUMENT")
    gateway.conversations.calls.on("GetConversation", lambda r, c: abort(c, code_pb2.INTERNAL, [packed]))
    response = client.get("/v1/conversations/conv_1")
    assert_problem(response, 500, "INTERNAL")
    assert "hunter2" not in response.text


def test_the_shape_of_a_readiness_failure(stranger: httpx.Client, gateway: Gateway) -> None:
    """What is not ready is named by the query service."""
    gateway.query.calls.on(
        "CheckReadiness", fail("UNAVAILABLE", ErrorKind.UNAVAILABLE, "vector_search is down.")
    )
    assert assert_problem(stranger.get("/readyz"), 503, "UNAVAILABLE")["detail"] == "vector_search is down."
