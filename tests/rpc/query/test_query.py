"""Questions over gRPC, through every layer of the room."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from supportagent.query.v1 import query_service_pb2 as pb

from services.kernel.errors import DomainError, ErrorKind, InvalidArgument, Unavailable
from services.runtime.call import acting_as
from services.runtime.status import from_rpc_error
from tests.rpc.query.query_server import ACME, OTHER, QueryServer, query_server

RENEW = "When does the Pro plan renew?"
READ_ONLY_OUTBOX = (
    "SELECT 1 AS sequence, '' AS workspace_id, '' AS stream, '' AS kind, x'' AS payload, 0 AS attempts, "
    "'' AS not_before"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QueryServer]:
    """The running parts, called in the name of a workspace with four pages."""
    with query_server(tmp_path) as running, acting_as(ACME):
        yield running


def refusal(method: Callable[..., object], request: object) -> DomainError:
    """Return the error of a call."""
    with pytest.raises(grpc.RpcError) as raised:
        answer = method(request, timeout=10)
        if isinstance(answer, Iterator):
            list(answer)
    return from_rpc_error(raised.value)


class TestQuery:
    """/v1/query."""

    def test_an_answer_has_every_field(self, server: QueryServer) -> None:
        """Citations quote the sources' excerpts; the turn is in the transcript at once."""
        answer = server.stub.Query(pb.QueryRequest(message=RENEW), timeout=10)
        assert answer.answered
        assert answer.sources[0].document_id == "doc_plans"
        assert answer.sources[0].kind == "document"
        assert answer.confidence.level in ("low", "medium", "high")
        assert answer.knowledge_revision == 7
        for citation in answer.citations:
            quoted = answer.answer[citation.start : citation.end]
            assert quoted in answer.sources[citation.source_index - 1].excerpt
        assert server.contents(ACME, answer.conversation_id) == [RENEW, answer.answer]
        stored = server.transcripts.get(ACME, answer.conversation_id).messages[1]
        assert stored.id == answer.message_id
        assert stored.confidence is not None
        assert stored.confidence.score == answer.confidence.score
        assert [each.chunk_id for each in stored.sources] == [each.chunk_id for each in answer.sources]

    def test_absent_fields_have_their_defaults(self, server: QueryServer) -> None:
        """Four sources; given zeros are taken as they are."""
        assert len(server.stub.Query(pb.QueryRequest(message=RENEW)).sources) == 4
        assert refusal(server.stub.Query, pb.QueryRequest(message=RENEW, max_sources=0)).violations
        asked = pb.QueryRequest(message="Who won the cup in 1966?", min_confidence=0)
        assert server.stub.Query(asked).answered

    def test_exact_answers_are_equal_bytes(self, server: QueryServer) -> None:
        """The same question at the same revision, not stored, gives the same bytes."""
        request = pb.QueryRequest(message=RENEW, exact=True, store=False)
        first, second = server.stub.Query(request), server.stub.Query(request)
        assert first.SerializeToString() == second.SerializeToString()
        assert first.answered

    def test_store_false_is_heard(self, server: QueryServer) -> None:
        """By both ways to ask; no conversation is begun."""
        assert server.stub.Query(pb.QueryRequest(message=RENEW, store=False)).conversation_id == ""
        *_, last = server.stream(pb.StreamQueryRequest(message=RENEW, store=False))
        assert last.completed.answered
        assert last.completed.conversation_id == ""

    def test_a_bad_request_lists_all_violations(self, server: QueryServer) -> None:
        """Each with its pointer."""
        request = pb.QueryRequest(message="", max_sources=99, channel="c" * 33)
        error = refusal(server.stub.Query, request)
        assert (error.kind, error.reason) == (ErrorKind.INVALID_ARGUMENT, "INVALID_ARGUMENT")
        assert [each.pointer for each in error.violations] == ["/message", "/max_sources", "/channel"]

    def test_another_workspace_sees_nothing_of_it(self, server: QueryServer) -> None:
        """Neither its pages nor its conversations."""
        mine = server.stub.Query(pb.QueryRequest(message=RENEW))
        with acting_as(OTHER):
            theirs = server.stub.Query(pb.QueryRequest(message=RENEW, min_confidence=0))
            assert not theirs.sources
            request = pb.QueryRequest(message=RENEW, conversation_id=mine.conversation_id)
            error = refusal(server.stub.Query, request)
        assert (error.kind, error.reason) == (ErrorKind.NOT_FOUND, "CONVERSATION_NOT_FOUND")

    def test_a_user_token_is_refused_and_not_repeated(
        self, server: QueryServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Where nobody vouches for it."""
        for method, request in (
            (server.stub.Query, pb.QueryRequest(message=RENEW, user_token="eyJ.very.secret")),
            (server.stream, pb.StreamQueryRequest(message=RENEW, user_token="eyJ.very.secret")),
            (server.stub.Search, pb.SearchRequest(message=RENEW, user_token="eyJ.very.secret")),
        ):
            error = refusal(method, request)
            assert (error.kind, error.reason) == (ErrorKind.UNAUTHENTICATED, "USER_TOKEN_REFUSED")
        assert "secret" not in "".join(capsys.readouterr())

    def test_a_verified_user_is_known(self, server: QueryServer) -> None:
        """Documents for authenticated users are asked for, and the conversation is theirs."""
        asked: dict[str, Any] = {"message": RENEW, "user_token": "token-of-ann"}
        conversation = server.stub.Query(pb.QueryRequest(**asked)).conversation_id
        events = list(server.stream(pb.StreamQueryRequest(**asked, conversation_id=conversation)))
        assert events[-1].completed.conversation_id == conversation
        server.stub.Search(pb.SearchRequest(**asked, conversation_id=conversation))
        assert all(each.filter.include_authenticated for each in server.vector_search.requests)
        assert server.transcripts.get(ACME, conversation).conversation.user_id == "ann"
        for token in ("", "token-of-ben"):
            stranger = {**asked, "user_token": token, "conversation_id": conversation}
            requests: tuple[tuple[Callable[..., object], object], ...] = (
                (server.stub.Query, pb.QueryRequest(**stranger)),
                (server.stream, pb.StreamQueryRequest(**stranger)),
                (server.stub.Search, pb.SearchRequest(**stranger)),
            )
            for method, request in requests:
                assert refusal(method, request).reason == "CONVERSATION_NOT_FOUND"

    def test_without_access_a_token_is_not_taken_for_none(self, server: QueryServer) -> None:
        """The question can be asked again later."""
        server.end_users.failure = Unavailable("away")
        error = refusal(server.stub.Query, pb.QueryRequest(message=RENEW, user_token="token-of-ann"))
        assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "UNAVAILABLE")

    def test_the_filters_reach_the_search(self, server: QueryServer) -> None:
        """So do the vector and the wish for an exact search; nobody is verified without a token."""
        filters = pb.Filters(tags=["help"], locale="en", document_ids=["doc_plans"])
        server.stub.Query(pb.QueryRequest(message=RENEW, filters=filters, exact=True))
        (request,) = server.vector_search.requests
        assert not request.filter.include_authenticated
        assert list(request.filter.any_tags) == ["help"]
        assert request.filter.locale == "en"
        assert list(request.filter.document_ids) == ["doc_plans"]
        assert request.exact
        assert request.text == RENEW
        assert len(request.vector) == 4 * 384

    def test_without_the_search_it_is_unavailable(self, server: QueryServer) -> None:
        """With when to come back; streams fail before their first event."""
        server.vector_search_server.stop()
        for method, request in (
            (server.stub.Query, pb.QueryRequest(message=RENEW)),
            (server.stream, pb.StreamQueryRequest(message=RENEW)),
            (server.stub.Search, pb.SearchRequest(message=RENEW)),
        ):
            error = refusal(method, request)
            assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "UNAVAILABLE")
            assert error.retry_after

    def test_a_refusal_by_the_search_is_no_fault_of_the_caller(self, server: QueryServer) -> None:
        """It is an error of ours, told without its text."""
        server.search.failure = InvalidArgument("dimensions differ")
        error = refusal(server.stub.Query, pb.QueryRequest(message=RENEW))
        assert error.kind is ErrorKind.INTERNAL
        assert "dimensions" not in error.detail

    def test_without_conversations_answers_go_on(self, server: QueryServer) -> None:
        """Their turns wait, in order, and arrive once when it is back."""
        first = server.stub.Query(pb.QueryRequest(message=RENEW))
        server.conversations_server.stop()
        asked = pb.QueryRequest(message="And for teams?", conversation_id=first.conversation_id)
        second = server.stub.Query(asked)
        assert second.conversation_id == first.conversation_id
        third = server.stub.Query(asked)
        assert server.search.queries[-1].text == "And for teams?\nAnd for teams?"
        server.restart_conversations()
        server.delivery.start()
        fourth = server.stub.Query(asked)
        expected = [RENEW, first.answer]
        for answer in (second, third, fourth):
            expected += [asked.message, answer.answer]
        try:
            _wait_for(lambda: server.contents(ACME, first.conversation_id) == expected)
        finally:
            server.delivery.stop()

    def test_a_conversation_begun_while_conversations_is_away_goes_on(self, server: QueryServer) -> None:
        """What waits here is its history."""
        server.conversations_server.stop()
        first = server.stub.Query(pb.QueryRequest(message=RENEW))
        second = server.stub.Query(
            pb.QueryRequest(message="And for teams?", conversation_id=first.conversation_id)
        )
        assert second.conversation_id == first.conversation_id
        assert server.search.queries[-1].text == f"{RENEW}\nAnd for teams?"


class TestStreamQuery:
    """/v1/query/stream."""

    def test_the_stream_tells_the_answer(self, server: QueryServer) -> None:
        """Sources, deltas that join to the answer, citations, and the whole response last."""
        events = list(server.stream(pb.StreamQueryRequest(message=RENEW)))
        kinds = [event.WhichOneof("event") for event in events]
        completed = events[-1].completed
        assert kinds[0] == "sources"
        assert kinds[-1] == "completed"
        assert kinds.count("completed") == 1
        assert "".join(event.delta.text for event in events if event.HasField("delta")) == completed.answer
        citations = [event.citation for event in events if event.HasField("citation")]
        assert citations == list(completed.citations)
        assert list(events[0].sources.items) == list(completed.sources)
        assert server.contents(ACME, completed.conversation_id) == [RENEW, completed.answer]

    def test_checks_come_before_the_first_event(self, server: QueryServer) -> None:
        """A refused question is a refused call."""
        assert refusal(server.stream, pb.StreamQueryRequest(message=" ")).violations
        request = pb.StreamQueryRequest(message=RENEW, conversation_id="conv_unknown")
        assert refusal(server.stream, request).reason == "CONVERSATION_NOT_FOUND"

    def test_a_later_failure_is_the_last_event(self, server: QueryServer) -> None:
        """A turn that no place takes ends the stream with a problem, not with a complete answer."""
        server.conversations_server.stop()
        with server.database.write() as connection:
            connection.exec_driver_sql("DROP TABLE outbox")
            connection.exec_driver_sql(f"CREATE VIEW outbox AS {READ_ONLY_OUTBOX}")
        events = list(server.stream(pb.StreamQueryRequest(message=RENEW)))
        assert events[0].WhichOneof("event") == "sources"
        problem = events[-1].error
        assert (problem.status, problem.code, problem.title) == (500, "INTERNAL", "Internal Server Error")
        assert problem.request_id == ACME.request_id
        assert problem.type == "about:blank"
        assert "outbox" not in problem.detail


class TestSearch:
    """/v1/search."""

    def test_results_have_their_scores(self, server: QueryServer) -> None:
        """Best first, ten unless told otherwise."""
        found = server.stub.Search(pb.SearchRequest(message="export notes"))
        assert found.results[0].document_id == "doc_export"
        assert found.results[0].excerpt.startswith("To export your notes")
        assert 0 < found.results[0].score <= 1
        assert found.results[0].scores.dense > 0
        assert found.results[0].scores.lexical > 0
        assert found.knowledge_revision == 7
        assert len(server.stub.Search(pb.SearchRequest(message="export notes", max_results=1)).results) == 1
        assert refusal(server.stub.Search, pb.SearchRequest(message="a", max_results=51)).violations


class TestCheckReadiness:
    """/readyz."""

    def test_it_names_its_parts(self, server: QueryServer) -> None:
        """Also for callers without a workspace."""
        answer = server.stub.CheckReadiness(pb.CheckReadinessRequest())
        assert answer.status == "ready"
        assert answer.checks == {"vector_search": "ready", "embedding": "ready", "conversations": "ready"}

    def test_what_is_missing_is_named(self, server: QueryServer) -> None:
        """Without conversations it is degraded, without the search it is not ready."""
        server.conversations_server.stop()
        assert server.stub.CheckReadiness(pb.CheckReadinessRequest()).checks["conversations"] == "degraded"
        server.vector_search_server.stop()
        error = refusal(server.stub.CheckReadiness, pb.CheckReadinessRequest())
        assert error.kind is ErrorKind.UNAVAILABLE
        assert error.detail == "Not ready: vector_search."
        assert error.retry_after == 1.0


def _wait_for(condition: Callable[[], bool], attempts: int = 400) -> None:
    for _ in range(attempts):
        if condition():
            return
        time.sleep(0.025)
    pytest.fail("it did not happen within ten seconds")
