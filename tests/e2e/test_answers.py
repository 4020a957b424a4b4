from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.asking import QUERY, SEARCH, STREAM, ask, thresholds
from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, Workspace, assert_problem, client

CALIBRATION = "/v1/query/calibration"
TEAM = "What does the Team plan cost per month?"
BUSINESS = [
    {"role": "user", "content": "What does the Business plan cost per month?"},
    {"role": "assistant", "content": "The Business plan costs €149 per month or €1,490 per year."},
]

FAULTY = [
    {"role": "user", "content": "Who pays for the return of a sensor that is faulty?"},
    {"role": "assistant", "content": "Return shipping is free if the article is faulty or wrong."},
]


class TestExplain:
    """`explain: true`."""

    @pytest.mark.parametrize("path", [QUERY, STREAM])
    def test_an_answer_is_explained(self, leaf: Workspace, path: str) -> None:
        """By the question searched for, the passages, the features, the bounds and the time of each stage."""
        told = ask(leaf, path=path, explain=True, min_confidence=0)
        explanation = told["explanation"]
        assert explanation["question"] == QUESTION
        assert explanation["passages"][0]["title"] == "Returns"
        assert explanation["passages"][0]["used"]
        for passage in explanation["passages"]:
            assert set(passage["scores"]) == {"dense", "lexical"}
            assert -1 <= passage["score"] <= 1
        cited = {told["sources"][each["source_index"] - 1]["chunk_id"] for each in told["citations"]}
        assert {each["chunk_id"] for each in explanation["passages"] if each["used"]} == cited
        assert explanation["features"]
        assert all(isinstance(each, (int, float)) for each in explanation["features"].values())
        bounds = explanation["thresholds"]
        assert bounds["min_confidence"] == 0
        assert 0 < bounds["medium_from"] < bounds["high_from"] <= 1
        assert bounds["model"]
        stages = explanation["milliseconds"]
        assert {"embed", "search", "rank", "answer", "whole"} <= stages.keys()
        assert sum(took for name, took in stages.items() if name != "whole") <= stages["whole"]
        assert explanation["fallback"] == ""

    def test_nothing_is_explained_unasked(self, leaf: Workspace) -> None:
        """The explanation is for those who tune; others are spared it."""
        assert "explanation" not in ask(leaf)
        assert "explanation" not in ask(leaf, explain=False)
        assert "explanation" not in leaf.http.post(STREAM, json={"message": QUESTION}).text

    def test_an_unanswered_question_is_explained_too(self, leaf: Workspace) -> None:
        """That is when it is wanted most; none of the passages was used."""
        told = ask(leaf, explain=True, min_confidence=1)
        assert told["answered"] is False
        assert told["explanation"]["passages"]
        assert not any(each["used"] for each in told["explanation"]["passages"])

    @pytest.mark.parametrize("value", [1, "true", [True], {}])
    def test_explain_is_a_boolean(self, leaf: Workspace, value: object) -> None:
        """Whatever else is given is refused, not taken for true."""
        for path in (QUERY, STREAM):
            answer = leaf.http.post(path, json={"message": QUESTION, "explain": value})
            problem = assert_problem(answer, 400, "INVALID_ARGUMENT")
            assert [each["pointer"] for each in problem["errors"]] == ["/explain"]

    def test_a_search_has_no_explanation(self, leaf: Workspace) -> None:
        """Its results have their scores anyway."""
        answer = leaf.http.post(SEARCH, json={"message": QUESTION, "explain": True})
        assert_problem(answer, 400, "INVALID_ARGUMENT")


class TestCalibration:
    """How far the confidence can be trusted."""

    def test_it_is_published(self, leaf: Workspace) -> None:
        """With its table, its error and interval, and what answering less often would bring."""
        answer = leaf.http.get(CALIBRATION)
        assert answer.status_code == 200
        calibration = answer.json()
        assert calibration["origin"] == "shipped"
        assert calibration["measured_on"]
        assert calibration["questions"] >= 3000
        interval = calibration["ece_interval"]
        assert 0 <= interval["low"] <= calibration["ece"] <= interval["high"] <= 1
        table = calibration["reliability"]
        assert len(table) == 15
        assert sum(each["questions"] for each in table) == calibration["questions"]
        for one in table:
            assert one["score_from"] <= one["mean_score"] <= one["score_to"]
            assert 0 <= one["right"] <= 1
        curve = calibration["risk_coverage"]
        assert len(curve) > 1
        assert all(0 <= each["coverage"] <= 1 and 0 <= each["risk"] <= 1 for each in curve)
        assert calibration["thresholds"] == thresholds(leaf)
        assert calibration["thresholds"]["model"] == calibration["model"]

    def test_it_takes_a_key_with_the_scope(self, system: System, leaf: Workspace) -> None:
        """As every question does."""
        assert_problem(client(system.url).get(CALIBRATION), 401, "UNAUTHENTICATED")
        reader = system.key_for(leaf.name, "knowledge:read")
        problem = assert_problem(reader.http.get(CALIBRATION), 403, "SCOPE_MISSING")
        assert "query" in problem["detail"]

    def test_it_is_only_read(self, leaf: Workspace) -> None:
        """Other methods are told so."""
        answer = leaf.http.post(CALIBRATION, json={})
        assert_problem(answer, 405, "METHOD_NOT_ALLOWED")
        assert "GET" in answer.headers["allow"]


class TestDialogue:
    """Follow-ups, the caller keeping the history."""

    def test_a_follow_up_is_answered(self, coldwren: Workspace) -> None:
        """From the page that the conversation is about, whose words the question leaves out."""
        told = ask(coldwren, "And outside the EU?", history=FAULTY, explain=True, min_confidence=0)
        assert told["sources"][0]["title"] == "Return hardware and get a refund"
        assert "outside the EU | at your own cost" in told["answer"]
        assert FAULTY[0]["content"] in told["explanation"]["question"]

    def test_a_follow_up_is_searched_for(self, coldwren: Workspace) -> None:
        """Search understands the same history, and finds something else without it."""
        body = {"message": "And outside the EU?", "max_results": 3}
        behind = coldwren.http.post(SEARCH, json={**body, "history": FAULTY}).json()["results"]
        alone = coldwren.http.post(SEARCH, json=body).json()["results"]
        assert behind[0]["title"] == "Return hardware and get a refund"
        assert alone[0]["title"] != behind[0]["title"]

    def test_a_follow_up_by_conversation_is_searched_for(self, coldwren: Workspace) -> None:
        """A stored conversation counts like a history that the caller keeps."""
        first = coldwren.http.post(QUERY, json={"message": FAULTY[0]["content"]}).json()
        body = {"message": "And outside the EU?", "conversation_id": first["conversation_id"]}
        results = coldwren.http.post(SEARCH, json=body).json()["results"]
        assert results[0]["title"] == "Return hardware and get a refund"

    def test_a_new_topic_is_not_held_back(self, coldwren: Workspace) -> None:
        """A question that stands alone is understood as it is, whatever was said before."""
        told = ask(coldwren, "Which payment methods do you accept?", history=BUSINESS, min_confidence=0)
        assert told["sources"][0]["title"] == "Payment methods"


class TestExact:
    """`exact: true`."""

    @pytest.mark.parametrize(
        "fields",
        [{}, {"explain": False, "min_confidence": 0}, {"min_confidence": 1}, {"history": BUSINESS}],
    )
    def test_same_question_same_bytes(self, coldwren: Workspace, fields: dict[str, Any]) -> None:
        """Answered or not, at the same revision the whole body is the same, ids included."""
        body = {"message": "What does the Team plan cost?", "exact": True, "store": False, **fields}
        for path in (QUERY, STREAM):
            first, *others = (coldwren.http.post(path, json=body) for _ in range(3))
            assert first.status_code == 200
            assert {each.content for each in others} == {first.content}

    def test_search_gives_the_same_bytes(self, coldwren: Workspace) -> None:
        """Scores included."""
        body = {"message": "What does the Team plan cost?", "exact": True}
        assert len({coldwren.http.post(SEARCH, json=body).content for _ in range(3)}) == 1


class TestAbstaining:
    """Questions that are not answered."""

    @pytest.mark.parametrize("path", [QUERY, STREAM])
    def test_a_question_about_something_else(self, coldwren: Workspace, path: str) -> None:
        """A sentence of our own, the pages that came nearest, a reason, and a person."""
        told = ask(coldwren, "How do I knit a jumper for a penguin?", path)
        assert told["answered"] is False
        assert told["reason"] == "NO_RELEVANT_SOURCE"
        assert told["answer"].endswith(".")
        assert not set("[]") & set(told["answer"])
        assert told["citations"] == []
        assert [each["index"] for each in told["sources"]] == [1, 2, 3, 4]
        assert all(each["excerpt"] for each in told["sources"])
        assert told["escalation_suggested"] is True
        assert told["confidence"]["level"] == "low"

    def test_an_answer_that_is_not_sure_enough(self, coldwren: Workspace) -> None:
        """The source that would have answered comes first; the score is that of the answer withheld."""
        given = ask(coldwren, TEAM, min_confidence=0)
        withheld = ask(coldwren, TEAM, min_confidence=1)
        assert (withheld["answered"], withheld["reason"]) == (False, "LOW_CONFIDENCE")
        assert "€59" not in withheld["answer"]
        assert withheld["confidence"]["score"] == given["confidence"]["score"]
        assert withheld["sources"][0]["document_id"] == given["sources"][0]["document_id"]
        assert withheld["escalation_suggested"] is True

    def test_an_answer_suggests_nobody(self, coldwren: Workspace) -> None:
        """Unless a person was asked for."""
        assert ask(coldwren, TEAM, min_confidence=0)["escalation_suggested"] is False
        wanted = f"I want to speak to a human. {TEAM}"
        assert ask(coldwren, wanted, min_confidence=0)["escalation_suggested"] is True

    def test_an_empty_workspace_says_so(self, system: System) -> None:
        """Without any page there is no source, and that is no error."""
        told = ask(system.workspace("hollow"))
        assert (told["answered"], told["reason"]) == (False, "NO_RELEVANT_SOURCE")
        assert (told["sources"], told["confidence"]["score"]) == ([], 0)
        assert told["answer"]
        assert told["escalation_suggested"] is True
