"""Answers by a language model with all parts but the caller: an endpoint over real HTTP, and the checks."""

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from services.query.domain.generation.chat import ChatFailed
from services.query.domain.generation.generated import GroundedPiece
from services.query.domain.generation.generation import Generation
from services.query.llm.chat_endpoint import ChatEndpoint
from services.query.llm.outcomes import CountedOutcomes
from tests.fakes.chat_endpoint import FakeChatEndpoint, Reply, chat_endpoint, fails, says, sends
from tests.unit.query.generation.pages import PAGES


@pytest.fixture
def chat() -> Iterator[ChatEndpoint]:
    """Return an adapter that is closed afterwards."""
    chat = ChatEndpoint()
    yield chat
    chat.close()


def pieces(chat: ChatEndpoint, endpoint: FakeChatEndpoint, seconds: float = 10.0) -> Iterator[GroundedPiece]:
    """Return an answer as it comes."""
    generation = Generation(chat, CountedOutcomes())
    return generation.pieces("Who is free?", (), PAGES, endpoint.model(), seconds=seconds)


def counted(outcome: str) -> float:
    """Return how often this came of an answer, in the process's metrics."""
    labels = {"task": "answer", "outcome": outcome}
    return REGISTRY.get_sample_value("language_model_calls_total", labels) or 0.0


def test_streamed_answer(chat: ChatEndpoint) -> None:
    """The first sentence is told while the endpoint still writes the second."""
    before = counted("USED")
    with chat_endpoint(says("Guests are", " free [2]. The", " Pro", then="hang")) as endpoint:
        told = pieces(chat, endpoint)
        assert next(told).text == "Guests are free. [2]"
    with chat_endpoint(says("Guests are", " free [2]. Teams", " share notebooks.")) as endpoint:
        assert [each.text for each in pieces(chat, endpoint)] == [
            "Guests are free. [2]",
            " Teams share notebooks. [2]",
        ]
    assert counted("USED") == before + 1


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (fails(401), "AUTHENTICATION"),
        (fails(429), "RATE_LIMITED"),
        (fails(500), "SERVER_ERROR"),
        (fails(400), "REFUSED"),
        (fails(400, code="content_filter"), "FILTERED"),
        (fails(400, code="context_length_exceeded"), "OVER_BUDGET"),
        (says(then="drop"), "UNREACHABLE"),
        (says(then="hang"), "TIMEOUT"),
        (says("Guests are free. Teams", then="hang"), "TIMEOUT"),
        (says("Guests are free. Teams", then="drop"), "INTERRUPTED"),
        (says("Guests are", finish="length"), "OVER_BUDGET"),
        (says("Guests are free. Teams", finish="content_filter"), "FILTERED"),
        (says(), "EMPTY"),
        (sends("data: garbage\n\n"), "MALFORMED"),
        (says("NO_ANSWER"), "NO_ANSWER"),
        (says("Ponies eat grass in the morning."), "UNSUPPORTED"),
    ],
)
def test_each_failure(chat: ChatEndpoint, reply: Reply, reason: str) -> None:
    """Whatever goes wrong, there is one reason for it, and it is counted."""
    before = counted(reason)
    with chat_endpoint(reply) as endpoint, pytest.raises(ChatFailed, match=reason):
        list(pieces(chat, endpoint, seconds=0.5))
    assert counted(reason) == before + 1
