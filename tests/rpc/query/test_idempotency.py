"""`Idempotency-Key` on questions."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from supportagent.query.v1 import query_service_pb2 as pb

from services.kernel.errors import DomainError, ErrorKind, Unavailable
from services.runtime.idempotency import IdempotencyScope, request_hash
from services.runtime.status import from_rpc_error
from tests.rpc.query.query_server import ACME, CREDENTIAL, QueryServer, query_server

RENEW = "When does the Pro plan renew?"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QueryServer]:
    """The running parts."""
    with query_server(tmp_path) as running:
        yield running


def headers(**more: str) -> tuple[tuple[str, str], ...]:
    """Return what the gateway sends, with an `Idempotency-Key`."""
    metadata = {
        "x-internal-credential": CREDENTIAL.reveal(),
        "x-workspace-id": ACME.workspace_id,
        "x-key-id": ACME.key_id,
        "x-request-id": ACME.request_id,
        "idempotency-key": "abc",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return tuple(metadata.items())


def ask(server: QueryServer, message: str = RENEW, **more: str) -> pb.QueryResponse:
    """Ask a question with a key."""
    # The stub's channel adds a caller only where a test acts as one.
    return server.stub.Query(
        pb.QueryRequest(message=message, explain=True), timeout=10, metadata=headers(**more)
    )


def stream(server: QueryServer, **more: str) -> list[Any]:
    """Ask for a stream with a key."""
    request = pb.StreamQueryRequest(message=RENEW)
    return list(server.stub.StreamQuery(request, timeout=10, metadata=headers(**more)))


def refused(server: QueryServer, message: str = RENEW, **more: str) -> DomainError:
    """Return the error of a question."""
    with pytest.raises(grpc.RpcError) as raised:
        ask(server, message, **more)
    return from_rpc_error(raised.value)


def test_a_repeated_question_gets_the_first_answer(server: QueryServer) -> None:
    """The same bytes; nothing is searched for, and nothing is stored again."""
    first = ask(server)
    again = ask(server)
    assert again.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
    assert len(server.search.queries) == 1
    assert server.contents(ACME, first.conversation_id) == [RENEW, first.answer]


def test_a_repeated_stream_gets_the_first_events(server: QueryServer) -> None:
    """All of them, in their order."""
    first = stream(server)
    assert stream(server) == first
    assert first[-1].HasField("completed")
    assert len(server.search.queries) == 1


def test_without_a_key_every_question_is_new(server: QueryServer) -> None:
    """An empty one is none."""
    first, again = ask(server, idempotency_key=""), ask(server, idempotency_key="")
    assert first.message_id != again.message_id


def test_another_question_is_refused(server: QueryServer) -> None:
    """422; another API key's or the stream's use of the same text is another key."""
    first = ask(server)
    error = refused(server, "What does the Pro plan cost?")
    assert (error.kind, error.reason) == (ErrorKind.FAILED_PRECONDITION, "IDEMPOTENCY_KEY_REUSED")
    assert ask(server, x_key_id="key_9").message_id != first.message_id
    assert stream(server)[-1].completed.message_id != first.message_id


def test_while_it_is_worked_on_it_is_in_flight(server: QueryServer) -> None:
    """409 for a repeated question, 422 for another one."""
    request = pb.QueryRequest(message=RENEW, explain=True)
    scope = IdempotencyScope(ACME.workspace_id, ACME.key_id, request.DESCRIPTOR.full_name, "abc")
    server.kept.claim(scope, request_hash(request.SerializeToString(deterministic=True)))
    assert (refused(server).kind, refused(server).reason) == (
        ErrorKind.ABORTED,
        "IDEMPOTENCY_KEY_IN_FLIGHT",
    )
    assert refused(server, "And for teams?").reason == "IDEMPOTENCY_KEY_REUSED"


def test_failures_are_not_kept(server: QueryServer) -> None:
    """Neither what is refused nor what fails: the next attempt is a new one."""
    assert refused(server, " ").violations
    server.search.failure = Unavailable("away")
    assert refused(server).kind is ErrorKind.UNAVAILABLE
    with pytest.raises(grpc.RpcError):
        stream(server)
    server.search.failure = None
    assert ask(server).answered
    assert stream(server)[-1].HasField("completed")


def test_a_stream_that_failed_late_is_not_kept(server: QueryServer) -> None:
    """Its last event was a problem; a retry gets an answer."""
    server.conversations_server.stop()
    with server.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE outbox RENAME TO aside")
    assert stream(server)[-1].HasField("error")
    with server.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE aside RENAME TO outbox")
    assert stream(server)[-1].HasField("completed")


def test_who_hangs_up_frees_its_key(server: QueryServer) -> None:
    """A stream that nobody heard to its end is asked anew."""
    call = server.stub.StreamQuery(pb.StreamQueryRequest(message=RENEW), timeout=10, metadata=headers())
    next(iter(call))
    call.cancel()
    assert _eventually(lambda: stream(server))[-1].HasField("completed")


def test_a_key_without_a_place_is_refused(server: QueryServer) -> None:
    """Whether a question was answered before can't be told while the database is away: better not at all."""
    with server.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE first_answers RENAME TO aside")
    assert refused(server).kind in (ErrorKind.UNAVAILABLE, ErrorKind.INTERNAL)
    assert ask(server, idempotency_key="").answered


def _eventually(attempt: Any) -> Any:
    for _ in range(500):
        try:
            return attempt()
        except grpc.RpcError as error:
            if from_rpc_error(error).reason != "IDEMPOTENCY_KEY_IN_FLIGHT":
                raise
            time.sleep(0.01)
    raise AssertionError("the key was never freed")
