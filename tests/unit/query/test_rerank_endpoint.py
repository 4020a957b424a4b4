"""Reranking by an endpoint, over real HTTP."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.query.clients.rerank_endpoint import RerankEndpoints
from services.query.domain.retrieval.reranking import RerankModel
from tests.fakes.chat_endpoint import Reply, chat_endpoint, fails, says, sends

TEXTS = ["about cats", "about dogs", "about birds"]


def results(*pairs: tuple[Any, Any]) -> str:
    """Return an answer with these indexes and scores."""
    return json.dumps({"results": [{"index": index, "relevance_score": score} for index, score in pairs]})


def scores(reply: Reply) -> object:
    """Return what becomes of a reply."""
    rerankers = RerankEndpoints()
    with chat_endpoint(reply) as endpoint:
        model = RerankModel(endpoint.base_url, "m", key="sk-secret", timeout_seconds=0.5)
        found = rerankers.of(model).scores("dogs?", TEXTS)
    rerankers.close()
    return found


def test_scores_in_the_order_of_the_texts() -> None:
    """Results come best first, scores are returned by text."""
    answer = results((1, 0.9), (2, 0.25), (0, -3))
    assert scores(sends(answer, "application/json")) == [-3.0, 0.9, 0.25]


def test_what_is_sent() -> None:
    """The request has the model, the question and the texts, and the workspace's own key."""
    rerankers = RerankEndpoints()
    with chat_endpoint(sends(results((0, 1)), "application/json")) as endpoint:
        for key in ("key-a", ""):
            rerankers.of(RerankModel(endpoint.base_url, "m", key=key)).scores("dogs?", ["a"])
    rerankers.close()
    first, second = endpoint.asked
    assert first.path == "/v1/rerank"
    assert first.body == {"model": "m", "query": "dogs?", "documents": ["a"], "top_n": 1}
    assert first.headers["authorization"] == "Bearer key-a"
    assert "authorization" not in second.headers


@pytest.mark.parametrize(
    "reply",
    [
        fails(401),
        fails(429),
        fails(500),
        says("a", then="hang"),
        says(then="drop"),
        says(*["a"] * 300, pause=0.01),
        sends("<html>"),
        sends("[" * 100_000),
        sends("[]"),
        sends("{}"),
        sends('{"results": [1, 2, 3]}'),
        sends(results((0, 1), (1, 1))),
        sends(results((0, 1), (1, 1), (1, 1))),
        sends(results((0, 1), (1, 1), (3, 1))),
        sends(results((0, 1), (1, 1), (2, "high"))),
        sends(results((0, 1), (1, 1), (2, float("nan")))),
        sends(results((0, 1), (True, 1), (2, 1))),
        sends(results((0, 1), (1, 1), (2, 10**400))),
        sends(b"x" * 2_000_000),
        Reply(status=307, body=b"", headers={"location": "http://127.0.0.1:1/"}),
    ],
)
def test_failures(reply: Reply) -> None:
    """An endpoint that fails, hangs or talks nonsense has no scores, and its words are not logged."""
    with capture_logs() as logs:
        assert scores(reply) is None
    assert [each["event"] for each in logs] == ["rerank_failed"]
    assert not any(word in str(logs) for word in ("endpoint-words", "sk-secret", "dogs", "127.0.0.1"))


def test_unreachable_and_closed() -> None:
    """Nobody listens, or the process is stopping: there are no scores."""
    rerankers = RerankEndpoints()
    reranker = rerankers.of(RerankModel("http://127.0.0.1:1/v1", "m"))
    assert reranker.scores("dogs?", TEXTS) is None
    rerankers.close()
    assert reranker.scores("dogs?", TEXTS) is None
    assert reranker.scores("dogs?", []) == []


def test_no_redirect_is_followed() -> None:
    """Passages and the key go where the operator said, and nowhere else."""
    with chat_endpoint(sends(results((0, 1)), "application/json")) as elsewhere:
        target = f"{elsewhere.base_url}/rerank"
        for status in (301, 302, 307, 308):
            assert scores(Reply(status=status, body=b"", headers={"location": target})) is None
    assert not elsewhere.asked
