"""The chat endpoint over real HTTP: what it sends, what it makes of what comes back."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from services.query.domain.generation.chat import (
    DATA,
    SYSTEM,
    ChatFailed,
    ChatRequest,
    Failure,
    Message,
)
from services.query.domain.settings.language_model import LanguageModel
from services.query.llm.chat_endpoint import ChatEndpoint
from services.query.llm.on_demand import ChatOnDemand
from tests.fakes.chat_endpoint import Reply, chat_endpoint, fails, says, sends

REQUEST = ChatRequest(
    messages=(Message(SYSTEM, "rules"), Message(DATA, "question-words")),
    max_tokens=50,
    temperature=0.5,
    seed=None,
    seconds=10.0,
)
SHORT = replace(REQUEST, seconds=0.3)


@pytest.fixture
def chat() -> Iterator[ChatEndpoint]:
    """Return an adapter that is closed afterwards."""
    chat = ChatEndpoint()
    yield chat
    chat.close()


def streamed(chat: ChatEndpoint, reply: Reply, request: ChatRequest = REQUEST) -> tuple[list[str], str]:
    """Return the pieces that came and the reason of the failure, if it failed."""
    pieces: list[str] = []
    with chat_endpoint(reply) as endpoint:
        try:
            for piece in chat.stream(endpoint.model(), request):
                pieces.append(piece)
        except ChatFailed as failed:
            return pieces, failed.reason.value
    return pieces, ""


def test_streams_in_pieces(chat: ChatEndpoint) -> None:
    """An answer comes as the endpoint sends it, piece by piece."""
    assert streamed(chat, says("It costs ", "12 euros", ".")) == (["It costs ", "12 euros", "."], "")


def test_first_piece_before_the_last_is_sent(chat: ChatEndpoint) -> None:
    """A piece is there while the endpoint still writes."""
    with chat_endpoint(says("first", then="hang")) as endpoint:
        assert next(iter(chat.stream(endpoint.model(), REQUEST))) == "first"


def test_whole_answer(chat: ChatEndpoint) -> None:
    """A whole answer is asked for without a stream."""
    with chat_endpoint(says("How much ", "is Pro?")) as endpoint:
        assert chat.complete(endpoint.model(), REQUEST) == "How much is Pro?"
        assert not endpoint.asked[0].body.get("stream")


def test_what_is_sent(chat: ChatEndpoint) -> None:
    """The request is the messages and the bounds, to the path of the protocol, with the key in its header."""
    with chat_endpoint(says("a")) as endpoint:
        list(chat.stream(endpoint.model(), replace(REQUEST, seed=7)))
    asked = endpoint.asked[0]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer sk-secret"
    assert asked.body == {
        "model": "fake-model",
        "messages": [
            {"role": "system", "content": "rules"},
            {"role": "user", "content": "question-words"},
        ],
        "max_tokens": 50,
        "temperature": 0.5,
        "seed": 7,
        "stream": True,
    }
    assert "sk-secret" not in json.dumps(asked.body)


def test_nothing_of_the_environment(chat: ChatEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, organisations, headers, addresses and proxies of the environment are not used."""
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "from-the-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x-extra: from-the-environment\nauthorization: leaked")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with chat_endpoint(says("a")) as endpoint:
        assert list(chat.stream(endpoint.model(key=""), REQUEST)) == ["a"]
    headers = endpoint.asked[0].headers
    assert set(headers) <= {"host", "connection", "accept", "user-agent", "content-length", "content-type"}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (fails(401), Failure.AUTHENTICATION),
        (fails(403), Failure.AUTHENTICATION),
        (fails(429), Failure.RATE_LIMITED),
        (fails(500), Failure.SERVER_ERROR),
        (fails(503), Failure.SERVER_ERROR),
        (fails(404), Failure.REFUSED),
        (fails(400), Failure.REFUSED),
        (fails(400, code="content_filter"), Failure.FILTERED),
        (fails(400, code="context_length_exceeded"), Failure.OVER_BUDGET),
        (fails(413), Failure.OVER_BUDGET),
        (says(then="drop"), Failure.UNREACHABLE),
        (says(finish=None), Failure.EMPTY),
        (sends(""), Failure.EMPTY),
        (sends("data: [DONE]\n\n"), Failure.EMPTY),
        (sends("data: {not json\n\n"), Failure.MALFORMED),
        (sends("data: 17\n\n"), Failure.MALFORMED),
        (sends('data: {"choices": "none"}\n\n'), Failure.MALFORMED),
        (sends('data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\n'), Failure.MALFORMED),
        (sends("data: " + "[" * 100_000 + "\n\n"), Failure.MALFORMED),
        (sends(b"\xff\xfe\x00garbage\n\ndata: \xff\n\n"), Failure.MALFORMED),
        (sends("<html>Welcome</html>", "text/html"), Failure.MALFORMED),
        (sends('{"choices": []}', "application/json"), Failure.MALFORMED),
        (sends('data: {"error": {"message": "endpoint-words"}}\n\n'), Failure.SERVER_ERROR),
        (sends('data: {"choices": [{"delta": {"refusal": "No."}}]}\n\n'), Failure.FILTERED),
        (says(finish="content_filter"), Failure.FILTERED),
        (says(finish="length"), Failure.OVER_BUDGET),
        (Reply(status=307, body=b"", headers={"location": "http://127.0.0.1:1/"}), Failure.REFUSED),
    ],
)
def test_failures_before_the_first_word(chat: ChatEndpoint, reply: Reply, reason: Failure) -> None:
    """Each way to fail has its reason."""
    assert streamed(chat, reply) == ([], reason.value)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (says("Half an", then="drop"), Failure.INTERRUPTED),
        (says("Half an", finish=None), Failure.INTERRUPTED),
        (says("Half an", finish="length"), Failure.OVER_BUDGET),
        (says("Half an", finish="content_filter"), Failure.FILTERED),
        (
            sends(
                'data: {"choices": [{"delta": {"content": "Half an"}}]}\n\n'
                'data: {"error": {"message": "endpoint-words"}}\n\n'
            ),
            Failure.INTERRUPTED,
        ),
    ],
)
def test_failures_in_the_middle(chat: ChatEndpoint, reply: Reply, reason: Failure) -> None:
    """What came before a failure was told, and the failure follows."""
    assert streamed(chat, reply) == (["Half an"], reason.value)


def test_unreachable(chat: ChatEndpoint) -> None:
    """Nobody listens."""
    with chat_endpoint(says("a")) as endpoint:
        model = endpoint.model()
    with pytest.raises(ChatFailed, match="UNREACHABLE"):
        list(chat.stream(model, REQUEST))


@pytest.mark.parametrize("pieces", [(), ("Half an",)])
def test_hanging(chat: ChatEndpoint, pieces: tuple[str, ...]) -> None:
    """An endpoint that says no more is left when the time is up, before the first word or after it."""
    assert streamed(chat, says(*pieces, then="hang"), SHORT) == (list(pieces), "TIMEOUT")


def test_trickling(chat: ChatEndpoint) -> None:
    """An endpoint that never stops to say a little is left when the time is up, too."""
    pieces, reason = streamed(chat, says(*["a"] * 200, pause=0.02), SHORT)
    assert reason == "TIMEOUT"
    assert len(pieces) < 50


def test_endless(chat: ChatEndpoint) -> None:
    """An endpoint that ignores the token limit is left."""
    assert streamed(chat, says(*["long " * 20] * 50))[1] == "OVER_BUDGET"


def test_a_listener_that_leaves(chat: ChatEndpoint) -> None:
    """Closing the stream ends the request, so that the endpoint need not go on."""
    with chat_endpoint(says(*["word "] * 500, pause=0.01)) as endpoint:
        stream = chat.stream(endpoint.model(), replace(REQUEST, max_tokens=8_000))
        next(iter(stream))
        stream.close()  # type: ignore[attr-defined]
        assert endpoint.abandoned.wait(5)


def test_retries_before_the_first_word(chat: ChatEndpoint) -> None:
    """A rate limit, a failing server and a dropped connection are tried again, as often as is set."""
    replies = (fails(429, retry_after="0"), fails(500, retry_after="0"), says("a"))
    with chat_endpoint(*replies) as endpoint:
        assert list(chat.stream(endpoint.model(retries=2), REQUEST)) == ["a"]
        assert len(endpoint.asked) == 3
    with chat_endpoint(fails(500, retry_after="0")) as endpoint, pytest.raises(ChatFailed):
        list(chat.stream(endpoint.model(retries=2), REQUEST))
    assert len(endpoint.asked) == 3


@pytest.mark.parametrize(
    "reply", [fails(401), fails(400), says("Half an", then="drop"), sends("data: 1\n\n")]
)
def test_not_retried(chat: ChatEndpoint, reply: Reply) -> None:
    """What would fail again, and what has begun, is not tried again."""
    with chat_endpoint(reply) as endpoint, pytest.raises(ChatFailed):
        list(chat.stream(endpoint.model(retries=3), REQUEST))
    assert len(endpoint.asked) == 1


def test_no_retry_beyond_patience(chat: ChatEndpoint) -> None:
    """An endpoint that wants to be left alone for longer than the caller waits has failed at once."""
    with chat_endpoint(fails(429, retry_after="60")) as endpoint:
        with pytest.raises(ChatFailed, match="RATE_LIMITED"):
            list(chat.stream(endpoint.model(retries=3), REQUEST))
        assert len(endpoint.asked) == 1


def test_parameters_that_a_model_does_not_take(chat: ChatEndpoint) -> None:
    """What newer models refuse is left out or named anew, once found out, for that model alone."""
    replies = (
        fails(400, code="unsupported_parameter", param="max_tokens"),
        fails(400, code="unsupported_value", param="temperature"),
        says("a"),
    )
    with chat_endpoint(*replies) as endpoint:
        assert list(chat.stream(endpoint.model(), REQUEST)) == ["a"]
        assert list(chat.stream(endpoint.model(), REQUEST)) == ["a"]
        other = replace(endpoint.model(), model="older")
        assert list(chat.stream(other, REQUEST)) == ["a"]
    assert len(endpoint.asked) == 5
    for asked in endpoint.asked[2:4]:
        assert asked.body["max_completion_tokens"] == 50
        assert not {"max_tokens", "temperature"} & asked.body.keys()
    assert endpoint.asked[4].body["max_tokens"] == 50


def test_redirects_are_not_followed(chat: ChatEndpoint) -> None:
    """An endpoint can't send the request, and the key, elsewhere."""
    with chat_endpoint(says("a")) as elsewhere:
        location = f"{elsewhere.base_url}/chat/completions"
        assert streamed(chat, Reply(status=307, body=b"", headers={"location": location}))[1] == "REFUSED"
    assert not elsewhere.asked


def test_keys_of_workspaces_stay_apart(chat: ChatEndpoint) -> None:
    """Two workspaces with one endpoint each send their own key."""
    with chat_endpoint(says("a")) as endpoint:
        for key in ("key-a", "key-b", "key-a", ""):
            list(chat.stream(endpoint.model(key=key), REQUEST))
    sent = [asked.headers.get("authorization") for asked in endpoint.asked]
    assert sent == ["Bearer key-a", "Bearer key-b", "Bearer key-a", None]


@pytest.mark.parametrize(
    "reply", [fails(401), sends("data: endpoint-words sk-secret\n\n"), says(then="drop")]
)
def test_no_secrets_in_errors_and_logs(chat: ChatEndpoint, reply: Reply) -> None:
    """Neither key nor question nor the endpoint's words are in an error or in the log."""
    with chat_endpoint(reply) as endpoint, capture_logs() as logs, pytest.raises(ChatFailed) as raised:
        list(chat.stream(endpoint.model(), REQUEST))
    assert [each["event"] for each in logs] == ["chat_failed"]
    told = f"{raised.value!r} {raised.value.__cause__!r} {logs} {endpoint.model()!r}"
    assert not any(word in told for word in ("sk-secret", "endpoint-words", "question-words"))


def test_lone_surrogates(chat: ChatEndpoint) -> None:
    """Half a character becomes U+FFFD, which every encoder takes."""
    body = 'data: {"choices": [{"delta": {"content": "a\\ud83d"}, "finish_reason": "stop"}]}\n\n'
    assert streamed(chat, sends(body)) == (["a\ufffd"], "")


def test_events_without_a_choice(chat: ChatEndpoint) -> None:
    """Events about usage, and empty ones, are passed over."""
    body = (
        'data: {"choices": []}\n\n: comment\n\n'
        'data: {"choices": [{"delta": {"role": "assistant", "content": null}}]}\n\n'
        'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}\n\n'
        'data: {"choices": [], "usage": {"total_tokens": 9}}\n\ndata: [DONE]\n\n'
    )
    assert streamed(chat, sends(body)) == (["a"], "")


def test_on_demand() -> None:
    """Loaded at its first use, it does the same; unused, there is nothing to close."""
    ChatOnDemand().close()
    chat = ChatOnDemand()
    with chat_endpoint(says("a")) as endpoint:
        model: LanguageModel = endpoint.model()
        assert list(chat.stream(model, REQUEST)) == ["a"]
        assert chat.complete(model, REQUEST) == "a"
    chat.close()
