"""`knowledge_revision`: answers as of then."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from supportagent.query.v1 import query_service_pb2 as pb

from services.kernel.errors import DomainError, ErrorKind
from services.runtime.channel import call
from tests.fakes.passage_search import REVISION
from tests.rpc.query.query_server import ACME, QueryServer, acting_as, query_server
from tests.unit.query.given import PLANS, SYNC

RENEW = "When does the Pro plan renew?"
THEN = replace(PLANS, text="The Pro plan renews on the first day of each month.", units=())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QueryServer]:
    """The running parts; at revision 3 the Pro plan renewed on another day."""
    with query_server(tmp_path) as running:
        running.search.remember(3, [THEN, SYNC])
        yield running


def ask(
    server: QueryServer, revision: int | None, *, exact: bool = False, explain: bool = False
) -> pb.QueryResponse:
    """Ask as of a revision."""
    request = pb.QueryRequest(
        message=RENEW, knowledge_revision=revision, store=False, exact=exact, explain=explain
    )
    with acting_as(ACME, 10):
        return call(server.stub.Query, request, timeout=10)


def test_the_answer_is_what_it_was(server: QueryServer) -> None:
    """With the revision that was asked for; without one, what it is now."""
    then = ask(server, 3)
    assert "first day" in then.answer
    assert then.knowledge_revision == 3
    now = ask(server, None)
    assert "third day" in now.answer
    assert now.knowledge_revision == REVISION


def test_the_same_revision_gives_the_same_bytes(server: QueryServer) -> None:
    """Exact, as if it was asked for then."""
    first, again = ask(server, 3, exact=True), ask(server, 3, exact=True)
    assert first.SerializeToString(deterministic=True) == again.SerializeToString(deterministic=True)


def test_an_explanation_is_of_then(server: QueryServer) -> None:
    """It shows the passages that there were."""
    explained = ask(server, 3, explain=True).explanation
    assert {each.document_id for each in explained.passages} == {"doc_plans", "doc_sync"}


def test_a_search_and_a_stream_go_back_too(server: QueryServer) -> None:
    """The same field, the same revision in the answer."""
    with acting_as(ACME, 10):
        found = call(server.stub.Search, pb.SearchRequest(message=RENEW, knowledge_revision=3), timeout=10)
    assert "first day" in found.results[0].excerpt
    assert found.knowledge_revision == 3
    events = list(server.stream(pb.StreamQueryRequest(message=RENEW, knowledge_revision=3, store=False)))
    assert "first day" in events[-1].completed.answer


def test_what_is_not_kept_any_more(server: QueryServer) -> None:
    """404 with a reason of its own."""
    with pytest.raises(DomainError) as raised:
        ask(server, 2)
    assert (raised.value.kind, raised.value.reason) == (ErrorKind.NOT_FOUND, "REVISION_NOT_KEPT")


@pytest.mark.parametrize("revision", [0, -1, REVISION + 1, 2**31 - 1])
def test_what_is_no_revision(server: QueryServer, revision: int) -> None:
    """400 that names the field: there is none below 1, and none beyond the newest."""
    with pytest.raises(DomainError) as raised:
        ask(server, revision)
    assert [each.pointer for each in raised.value.violations] == ["/knowledge_revision"]


def test_publishable_keys_stay_in_the_present(server: QueryServer) -> None:
    """What was taken back is not for a page's visitors; in a stream it is refused before the first event."""
    request = pb.QueryRequest(message=RENEW, knowledge_revision=3)
    with acting_as(replace(ACME, publishable=True), 10), pytest.raises(DomainError) as raised:
        call(server.stub.Query, request, timeout=10)
    assert (raised.value.kind, raised.value.reason) == (
        ErrorKind.PERMISSION_DENIED,
        "PUBLISHABLE_KEY_REFUSED",
    )
