"""Kept answers that cite a deleted document are forgotten."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from supportagent.query.v1 import kept_answer_service_pb2 as kept_pb
from supportagent.query.v1 import query_service_pb2 as pb
from supportagent.query.v1.kept_answer_service_pb2_grpc import KeptAnswerServiceStub

from services.kernel.errors import ErrorKind
from services.runtime.status import from_rpc_error
from tests.rpc.query.query_server import ACME, CREDENTIAL, OTHER, QueryServer, query_server

RENEW, CANARY = "When does the Pro plan renew?", b"renews on the third day"
INTERNAL = (("x-internal-credential", CREDENTIAL.reveal()),)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QueryServer]:
    """The running parts."""
    with query_server(tmp_path) as running:
        yield running


def headers(key: str, **more: str) -> tuple[tuple[str, str], ...]:
    """Return what the gateway sends, with an `Idempotency-Key`."""
    metadata = {
        "x-internal-credential": CREDENTIAL.reveal(),
        "x-workspace-id": ACME.workspace_id,
        "x-key-id": ACME.key_id,
        "x-request-id": ACME.request_id,
        "idempotency-key": key,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return tuple(metadata.items())


def ask(
    server: QueryServer,
    key: str = "abc",
    *,
    max_sources: int = 4,
    explain: bool = False,
    documents: tuple[str, ...] = (),
) -> pb.QueryResponse:
    """Ask a question with a key; nothing of it is stored in a transcript."""
    request = pb.QueryRequest(
        message=RENEW,
        store=False,
        max_sources=max_sources,
        explain=explain,
        filters=pb.Filters(document_ids=documents),
    )
    return server.stub.Query(request, timeout=10, metadata=headers(key))


def forget(server: QueryServer, *documents: str, workspace: str = ACME.workspace_id) -> list[int]:
    """Forget documents as knowledge does: nobody's key is behind the call."""
    request = kept_pb.ForgetDocumentsRequest(workspace_id=workspace, document_ids=documents)
    return list(server.kept_answers.ForgetDocuments(request, timeout=10, metadata=INTERNAL).answers)


def files(server: QueryServer) -> bytes:
    """Return all bytes of query's database."""
    return b"".join(path.read_bytes() for path in server.folder.glob("query.db*"))


def test_an_answer_is_forgotten_with_a_document_that_it_cites(server: QueryServer) -> None:
    """A repeated question is answered anew; those that cite other documents are given again."""
    first = ask(server, "cites", max_sources=1)
    other = ask(server, "other", documents=("doc_sync",))
    assert [each.document_id for each in first.sources] == ["doc_plans"]
    assert {each.document_id for each in other.sources} == {"doc_sync"}
    searched = len(server.search.queries)
    assert forget(server, "doc_plans", "doc_unknown") == [1, 0]
    assert ask(server, "other", documents=("doc_sync",)) == other
    assert len(server.search.queries) == searched
    ask(server, "cites", max_sources=1)
    assert len(server.search.queries) == searched + 1


@pytest.mark.parametrize("streamed", [False, True])
def test_what_an_answer_shows_counts_not_only_what_it_rests_on(server: QueryServer, streamed: bool) -> None:
    """The nearest sources of one that was withheld, and the passages of an explanation, hold text, too."""
    if streamed:
        request = pb.StreamQueryRequest(message=RENEW, min_confidence=1, max_sources=4)
        events = list(server.stub.StreamQuery(request, timeout=10, metadata=headers("abc")))
        assert not events[-1].completed.answered
    else:
        assert ask(server, max_sources=1, explain=True).explanation.passages
    assert forget(server, "doc_teams") == [1]


def test_its_text_is_in_no_file(server: QueryServer) -> None:
    """When the call returns, neither in the database nor in its log."""
    ask(server, "one")
    ask(server, "two", explain=True)
    assert CANARY in files(server)
    assert forget(server, "doc_plans") == [2]
    assert CANARY not in files(server)


def test_while_somebody_reads_it_is_not_said_to_be_gone(server: QueryServer) -> None:
    """The copies in the log can't be taken away then; the call is repeated, and tells the same numbers."""
    ask(server)
    with server.database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM first_answers").first()
        with pytest.raises(grpc.RpcError) as raised:
            forget(server, "doc_plans")
        assert from_rpc_error(raised.value).kind is ErrorKind.UNAVAILABLE
    assert forget(server, "doc_plans") == [1]
    assert CANARY not in files(server)


def test_an_answer_that_was_being_made_is_not_kept(server: QueryServer) -> None:
    """It was searched for before the deletion and would be kept after it. Its caller has it all the same."""
    forget(server, "doc_plans")
    assert ask(server).sources
    assert CANARY not in files(server)
    searched = len(server.search.queries)
    ask(server)
    assert len(server.search.queries) == searched + 1


def test_workspaces_are_apart(server: QueryServer) -> None:
    """A document's id means nothing elsewhere."""
    first = ask(server)
    assert forget(server, "doc_plans", workspace=OTHER.workspace_id) == [0]
    assert ask(server) == first
    assert len(server.search.queries) == 1


def test_an_equal_document_twice_is_told_twice(server: QueryServer) -> None:
    """Numbers come in the order of the ids."""
    ask(server)
    assert forget(server, "doc_x", "doc_plans", "doc_plans") == [0, 1, 1]


@pytest.mark.parametrize(
    ("workspace", "count", "pointer"),
    [("acme", 1, "/workspace_id"), ("ws_acme", 0, "/document_ids"), ("ws_acme", 1_001, "/document_ids")],
)
def test_bad_requests(server: QueryServer, workspace: str, count: int, pointer: str) -> None:
    """Are refused."""
    with pytest.raises(grpc.RpcError) as raised:
        forget(server, *(f"doc_{number}" for number in range(count)), workspace=workspace)
    (violation,) = from_rpc_error(raised.value).violations
    assert violation.pointer == pointer


def test_strangers_are_refused(server: QueryServer) -> None:
    """Only parts of the installation have the credential."""
    request = kept_pb.ForgetDocumentsRequest(workspace_id=ACME.workspace_id, document_ids=["doc_plans"])
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as raised:
        KeptAnswerServiceStub(channel).ForgetDocuments(request, timeout=10)
    assert from_rpc_error(raised.value).reason == "INTERNAL_CREDENTIAL_REFUSED"
