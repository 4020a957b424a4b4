"""Answers by a language model over gRPC: through every layer of the room, to an endpoint over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from supportagent.query.v1 import answering_service_pb2 as answering_pb
from supportagent.query.v1 import query_service_pb2 as pb

from services.query.domain.passage import CUSTOM_ANSWER
from services.runtime.call import acting_as
from tests.fakes.chat_endpoint import FakeChatEndpoint, Reply, chat_endpoint, fails, says, sends
from tests.rpc.query.query_server import ACME, OTHER, QueryServer, query_server
from tests.unit.query.given import EXPORT, PLANS, SYNC, TEAMS, a_passage

RENEW = "When does the Pro plan renew?"
RENEWS = "The Pro plan renews on the third day of each month."
KEY = "sk-very-secret"
HISTORY = (pb.HistoryEntry(role="user", content=RENEW), pb.HistoryEntry(role="assistant", content=RENEWS))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QueryServer]:
    """The running parts, called in the name of a workspace with four pages."""
    with query_server(tmp_path) as running, acting_as(ACME):
        yield running


def use(server: QueryServer, endpoint: FakeChatEndpoint, **settings: Any) -> None:
    """Have `ACME` answered by a model; called before its first question."""
    given: dict[str, Any] = {"timeout_seconds": 10, "retries": 0, "key": KEY, **settings}
    model = answering_pb.LanguageModelPatch(base_url=endpoint.base_url, model="smol", **given)
    patch = answering_pb.AnsweringPatch(language_model=model, min_confidence=0)
    request = answering_pb.UpdateAnsweringRequest(workspace_id=ACME.workspace_id, patch=patch)
    server.answering.UpdateAnswering(request, timeout=10)


def ask(server: QueryServer, message: str = RENEW, **fields: Any) -> pb.QueryResponse:
    """Return an explained answer."""
    return server.stub.Query(pb.QueryRequest(message=message, explain=True, **fields), timeout=20)


def stream(server: QueryServer, message: str = RENEW, **fields: Any) -> pb.QueryResponse:
    """Return the last event of an explained answer, having checked that it says what was told."""
    request = pb.StreamQueryRequest(message=message, explain=True, **fields)
    events = list(server.stream(request, timeout=20))
    completed: pb.QueryResponse = events[-1].completed
    assert "".join(each.delta.text for each in events) == completed.answer
    assert [each.citation for each in events if each.HasField("citation")] == list(completed.citations)
    return completed


@pytest.mark.parametrize("way", [ask, stream])
def test_its_answer_is_told_and_stored(server: QueryServer, way: Any) -> None:
    """Under the model's name; the transcript has the very text."""
    with chat_endpoint(says("It renews on ", "the third day of each month [1].")) as endpoint:
        use(server, endpoint)
        answer = way(server)
    assert answer.answer == "It renews on the third day of each month. [1]"
    assert (answer.answerer, answer.explanation.fallback) == ("smol", "")
    (citation,) = answer.citations
    assert answer.answer[citation.start : citation.end] == "It renews on the third day of each month."
    assert answer.sources[citation.source_index - 1].document_id == "doc_plans"
    assert server.contents(ACME, answer.conversation_id) == [RENEW, answer.answer]


@pytest.mark.parametrize("way", [ask, stream])
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (fails(401), "AUTHENTICATION"),
        (fails(429), "RATE_LIMITED"),
        (fails(500), "SERVER_ERROR"),
        (fails(400), "REFUSED"),
        (fails(400, code="context_length_exceeded"), "OVER_BUDGET"),
        (says(then="hang"), "TIMEOUT"),
        (says("It renews", then="drop"), "INTERRUPTED"),
        (sends("data: garbage\n\n"), "MALFORMED"),
        (says(), "EMPTY"),
        (says("NO_ANSWER"), "NO_ANSWER"),
        (says("Ponies eat grass in the morning."), "UNSUPPORTED"),
    ],
)
def test_each_failure_falls_back(
    server: QueryServer, way: Any, reply: Reply, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """To the answer of a workspace without a model; it is stored as told. No log has the key."""
    server.search.add(OTHER.workspace_id, [PLANS, EXPORT, TEAMS, SYNC])
    with acting_as(OTHER):
        extract = ask(server, min_confidence=0)
    with chat_endpoint(reply) as endpoint:
        use(server, endpoint, timeout_seconds=0.5)
        answer = way(server)
        assert endpoint.asked
    assert RENEWS in answer.answer
    assert (answer.answer, answer.answerer) == (extract.answer, "extractive")
    assert answer.citations == extract.citations
    assert answer.explanation.fallback == reason
    assert server.contents(ACME, answer.conversation_id) == [RENEW, answer.answer]
    logged = "".join(capfd.readouterr())
    assert KEY not in logged
    assert "endpoint-words" not in logged


def test_nobody_waits_longer_than_the_caller(server: QueryServer) -> None:
    """A model that may take minutes has no longer than the call: the extract is told before its deadline."""
    with chat_endpoint(says(then="hang")) as endpoint:
        use(server, endpoint, timeout_seconds=120)
        request = pb.QueryRequest(message=RENEW, explain=True)
        answer = server.stub.Query(request, timeout=2.5)
    assert (answer.answerer, answer.explanation.fallback) == ("extractive", "TIMEOUT")


def test_whoever_leaves_ends_the_request(server: QueryServer) -> None:
    """Nothing more is paid for once a stream's reader is gone."""
    sentences = tuple(f"{RENEWS} " for _ in range(60))
    with chat_endpoint(says(*sentences, pause=0.05)) as endpoint:
        use(server, endpoint)
        events = server.stream(pb.StreamQueryRequest(message=RENEW), timeout=20)
        assert next(events).HasField("sources")
        assert next(events).delta.text
        events.cancel()  # type: ignore[attr-defined]
        assert endpoint.abandoned.wait(5)


def test_exact_leaves_nothing_to_chance(server: QueryServer) -> None:
    """The temperature is 0 and the seed fixed, whatever the workspace wants otherwise."""
    with chat_endpoint(says(f"{RENEWS} [1]")) as endpoint:
        use(server, endpoint, temperature=1.5)
        first = ask(server, exact=True, store=False)
        ask(server)
    assert first.answerer == "smol"
    exact, usual = (each.body for each in endpoint.asked)
    assert (exact["temperature"], usual["temperature"]) == (0, 1.5)
    assert "seed" in exact
    assert "seed" not in usual


def test_a_custom_answer_is_no_matter_for_a_model(server: QueryServer) -> None:
    """It is told word for word, and costs nothing."""
    written = a_passage("Call Ada.", document="doc_custom", headings=(RENEW,), kind=CUSTOM_ANSWER)
    server.search.add(ACME.workspace_id, [written])
    with chat_endpoint(says("Something else.")) as endpoint:
        use(server, endpoint)
        answer = ask(server)
    assert (answer.answer, answer.answerer) == ("Call Ada. [1]", "custom")
    assert endpoint.asked == []


def test_what_is_withheld_is_not_asked(server: QueryServer) -> None:
    """A model can't answer what the pages do not."""
    with chat_endpoint(says(RENEWS)) as endpoint:
        use(server, endpoint)
        answer = ask(server, min_confidence=1)
    assert (answer.answered, answer.answerer) == (False, "extractive")
    assert endpoint.asked == []


class TestFollowUps:
    """Questions that mean something only after others."""

    def test_the_model_completes_them(self, server: QueryServer) -> None:
        """What it wrote is searched for."""
        with chat_endpoint(
            says("What does the Pro plan cost?"), says("The Pro plan costs 12 euros.")
        ) as endpoint:
            use(server, endpoint)
            answer = ask(server, "And what does it cost?", history=HISTORY)
        assert answer.explanation.question == "What does the Pro plan cost?"
        assert [each.text for each in server.search.queries] == ["What does the Pro plan cost?"]
        assert answer.answer == "The Pro plan costs 12 euros. [1]"

    def test_search_has_them_completed_too(self, server: QueryServer) -> None:
        """By the same call."""
        with chat_endpoint(says("What does the Pro plan cost?")) as endpoint:
            use(server, endpoint)
            request = pb.SearchRequest(message="And what does it cost?", history=HISTORY)
            assert server.stub.Search(request, timeout=10).results[0].document_id == "doc_plans"
        assert [each.text for each in server.search.queries] == ["What does the Pro plan cost?"]

    @pytest.mark.parametrize("reply", [fails(500), says("Ponies eat grass."), says()])
    def test_rules_complete_them_where_it_fails(self, server: QueryServer, reply: Reply) -> None:
        """The question is then searched for alone and behind what was said before."""
        with chat_endpoint(reply) as endpoint:
            use(server, endpoint)
            answer = ask(server, "And what does it cost?", history=HISTORY)
        assert RENEW in answer.explanation.question
        assert server.search.queries[0].text == "And what does it cost?"

    def test_a_workspace_may_spare_that_call(self, server: QueryServer) -> None:
        """With `rewrite` off only the answer is asked for."""
        with chat_endpoint(says("The Pro plan costs 12 euros.")) as endpoint:
            use(server, endpoint, rewrite=False)
            answer = ask(server, "And what does it cost?", history=HISTORY)
        assert len(endpoint.asked) == 1
        assert answer.answerer == "smol"
