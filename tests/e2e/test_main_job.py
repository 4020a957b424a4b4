from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, Workspace, events_of, until


def assert_grounded(answer: dict[str, Any]) -> None:
    """The answer says what the page says, and its citations point at it."""
    assert answer["answered"] is True
    assert answer["reason"] == ""
    assert "17 days" in answer["answer"]
    assert answer["answerer"] == "extractive"
    assert 0 < answer["confidence"]["score"] <= 1
    assert answer["confidence"]["level"] in ("low", "medium", "high")
    assert answer["knowledge_revision"] > 0
    first = answer["sources"][0]
    assert (first["title"], first["url"]) == ("Returns", "https://help.leaf.example/returns")
    assert [source["index"] for source in answer["sources"]] == list(range(1, len(answer["sources"]) + 1))
    assert len(answer["sources"]) <= 4
    excerpts = {source["index"]: source["excerpt"] for source in answer["sources"]}
    assert answer["citations"]
    for citation in answer["citations"]:
        cited = answer["answer"][citation["start"] : citation["end"]]
        assert cited.strip()
        words = [word for word in cited.replace(".", " ").split() if not word.startswith("[")]
        assert all(word in excerpts[citation["source_index"]] for word in words), (cited, excerpts)


def test_question_is_answered_from_the_pages(leaf: Workspace) -> None:
    """The answer is grounded in the page that has it, with citations whose offsets are right."""
    answer = leaf.http.post("/v1/query", json={"message": QUESTION})
    assert answer.status_code == 200
    assert_grounded(answer.json())


def test_question_about_something_else_is_not_answered(leaf: Workspace) -> None:
    """A question that no page answers gets an honest no, with a reason."""
    answer = leaf.http.post("/v1/query", json={"message": "How do I configure a Kubernetes ingress?"}).json()
    assert answer["answered"] is False
    assert answer["reason"] in ("NO_RELEVANT_SOURCE", "LOW_CONFIDENCE")
    assert answer["answer"]


def test_stream_equals_the_whole_answer(leaf: Workspace) -> None:
    """Sources come first, joined deltas are the answer, `completed` comes last and is the whole response."""
    answer = leaf.http.post("/v1/query/stream", json={"message": QUESTION})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = events_of(answer)
    assert all(len(event) == 1 for event in events)
    assert "sources" in events[0]
    completed = events[-1]["completed"]
    assert_grounded(completed)
    assert "".join(event["delta"]["text"] for event in events if "delta" in event) == completed["answer"]
    assert [event["citation"] for event in events if "citation" in event] == completed["citations"]
    assert events[0]["sources"]["items"] == completed["sources"]
    whole = leaf.http.post("/v1/query", json={"message": QUESTION}).json()
    assert whole.keys() == completed.keys()


def test_conversation_goes_on_and_is_in_the_transcript(leaf: Workspace) -> None:
    """A follow-up by conversation_id is understood, and the transcript has all of it."""
    first = leaf.http.post("/v1/query", json={"message": QUESTION, "metadata": {"ticket": "8812"}}).json()
    follow = {"message": "And who pays the postage for that?", "conversation_id": first["conversation_id"]}
    second = leaf.http.post("/v1/query", json=follow).json()
    assert second["conversation_id"] == first["conversation_id"]
    assert second["sources"][0]["title"] == "Returns"
    path = f"/v1/conversations/{first['conversation_id']}"
    until(lambda: leaf.http.get(path).json().get("message_count") == 4, "both turns")
    transcript = leaf.http.get(path).json()
    messages = transcript["messages"]
    assert [each["role"] for each in messages] == ["user", "assistant"] * 2
    assert [each["content"] for each in messages] == [
        QUESTION,
        first["answer"],
        follow["message"],
        second["answer"],
    ]
    assert messages[1]["id"] == first["message_id"]
    assert [source["document_id"] for source in messages[1]["sources"]] == [
        source["document_id"] for source in first["sources"]
    ]
    assert transcript["metadata"] == {"ticket": "8812"}
    assert transcript["preview"] == QUESTION
    listed = leaf.http.get("/v1/conversations", params={"page_size": 200}).json()["items"]
    assert first["conversation_id"] in [each["id"] for each in listed]


def test_history_is_understood_without_a_conversation(leaf: Workspace) -> None:
    """A caller that keeps the history itself is understood too, and `store: false` stores nothing."""
    history = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "Within 17 days. [1]"}]
    body = {"message": "And who pays the postage for that?", "history": history, "store": False}
    answer = leaf.http.post("/v1/query", json=body).json()
    assert answer["sources"][0]["title"] == "Returns"
    assert answer["conversation_id"] == ""


def test_search_finds_passages_and_obeys_filters(leaf: Workspace) -> None:
    """Search returns passages with scores; filters hold."""
    found = leaf.http.post("/v1/search", json={"message": QUESTION}).json()
    assert found["results"][0]["title"] == "Returns"
    assert {"dense", "lexical"} <= found["results"][0]["scores"].keys()
    tagged = {"message": QUESTION, "filters": {"tags": ["security"]}}
    results = leaf.http.post("/v1/search", json=tagged).json()["results"]
    assert {each["title"] for each in results} <= {"Forgotten password"}


def test_second_push_changes_nothing(system: System, leaf: Workspace, leaf_pages: Path) -> None:
    """A push of unchanged pages says so, sends nothing and leaves the revision alone."""
    before = leaf.http.get("/v1/knowledge/index").json()
    pushed = system.cli("kb", "push", str(leaf_pages), key=leaf.key)
    assert pushed.stdout == "0 created, 0 updated, 5 unchanged, 0 failed\n"
    after = leaf.http.get("/v1/knowledge/index").json()
    assert after["revision"] == before["revision"]
    assert after["documents"] == 5
    assert after["indexed_revision"] == after["revision"]


def test_page_without_text_is_indexed_with_no_chunks(leaf: Workspace) -> None:
    """A page that is nothing but front matter is indexed and has no passages."""
    (page,) = leaf.http.get("/v1/knowledge/documents", params={"external_id": "drafts/empty.md"}).json()[
        "items"
    ]
    assert (page["status"], page["chunks"], page["title"]) == ("indexed", 0, "To be written")


def test_front_matter_became_fields(leaf: Workspace) -> None:
    """Title, tags, url and locale of a page are the document's."""
    (page,) = leaf.http.get("/v1/knowledge/documents", params={"external_id": "orders/returns.md"}).json()[
        "items"
    ]
    assert page["title"] == "Returns"
    assert page["tags"] == ["orders", "returns"]
    assert (page["url"], page["locale"]) == ("https://help.leaf.example/returns", "en")


@pytest.mark.parametrize("as_json", [False, True])
def test_ask_answers_in_the_terminal(system: System, leaf: Workspace, as_json: bool) -> None:
    """The command line streams the answer with its sources, or prints the completed event."""
    asked = system.cli("ask", QUESTION, *(["--json"] if as_json else []), key=leaf.key)
    if as_json:
        assert_grounded(json.loads(asked.stdout))
    else:
        assert "17 days" in asked.stdout
        assert "https://help.leaf.example/returns" in asked.stdout


def test_status_shows_the_index(system: System, leaf: Workspace) -> None:
    """`kb status` shows documents, passages and a replica that is level."""
    index = json.loads(system.cli("kb", "status", "--json", key=leaf.key).stdout)
    assert index["documents"] == 5
    assert index["pending"] == index["failed"] == 0
    assert len(index["replicas"]) == 1
    assert index["replicas"][0]["revision"] == index["revision"]


def test_gateway_says_that_it_is_up_and_ready(leaf: Workspace) -> None:
    """Health and readiness need no key."""
    assert leaf.http.get("/healthz", headers={"authorization": ""}).status_code == 200
    assert leaf.http.get("/readyz", headers={"authorization": ""}).status_code == 200
