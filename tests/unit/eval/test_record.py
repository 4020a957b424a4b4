"""Judging replies."""

from dataclasses import replace
from typing import Any

from tests.eval.dataset import Question
from tests.eval.record import Held, Rank, Record, bare, holds, judge, refused

QUESTION = Question("1", "When?", gains={"p": 1.0}, answers=("17 May",), answerable=True)
PAGES = {"doc_1": "p", "doc_2": "q"}
EXCERPT = "The sale ends on 17  May. Then it rains."
ANSWER = "The sale ends on 17  May. [1]"


def reply(*documents: str, answer: str = ANSWER, answered: bool = True, **more: Any) -> dict[str, Any]:
    """Return a reply of `/v1/query` whose sources all have one excerpt."""
    return {
        "answer": answer,
        "answered": answered,
        "reason": "" if answered else "LOW_CONFIDENCE",
        "confidence": {"score": 0.6, "level": "medium"},
        "sources": [
            {"index": number, "document_id": each, "chunk_id": f"{each}c", "excerpt": EXCERPT}
            for number, each in enumerate(documents, start=1)
        ],
        "citations": [{"start": 0, "end": 25, "source_index": 1}],
        "answerer": "extractive",
        **more,
    }


def record(
    sure: dict[str, Any],
    default: dict[str, Any] | None = None,
    question: Question = QUESTION,
    *,
    by_strings: bool = True,
) -> Record:
    """Return the judgement of a reply."""
    case = ("tea", "")
    return judge(question, case, sure, default or sure, PAGES, by_strings=by_strings, ranks={})


def test_gold_strings_are_found_whatever_their_case_and_space() -> None:
    """Markers are no part of the answer."""
    assert holds("On 17 [1] MAY\n2026 [2]", ["17 may 2026"])
    assert not holds("On 17 June", ["17 may", "18 june"])
    assert bare("One. [1] Two.\n\n- three [12]") == "One. Two.\n\n- three"


def test_right_is_by_string_where_the_set_has_them() -> None:
    """With gold strings the first source does not matter, without them it is all that matters."""
    assert record(reply("doc_2")).right
    assert not record(reply("doc_1", answer="No. [1]")).right
    assert record(reply("doc_1", answer="No. [1]"), by_strings=False).right
    assert not record(reply("doc_2"), by_strings=False).right
    stringless = Question("2", "When?", gains={"p": 1.0}, answerable=True)
    assert record(reply("doc_1"), question=stringless).right
    assert record(reply("doc_1"), question=stringless).holds_gold is None


def test_nothing_is_right_that_can_not_be_answered() -> None:
    """Neither an answer to an unanswerable question is right, nor one that was not given."""
    unanswerable = Question("2", "When?", gains={"p": 1.0}, answers=("17 May",), answerable=False)
    assert not record(reply("doc_1"), question=unanswerable).right
    assert not record(reply("doc_1", answered=False)).right


def test_sources_are_judged_by_their_pages() -> None:
    """The first source, and any source, may be a gold page."""
    second = record(reply("doc_2", "doc_1"))
    assert (second.first_source_gold, second.gold_among_sources) == (False, True)
    assert not record(reply("doc_2", "doc_9")).gold_among_sources
    assert not record(reply()).first_source_gold


def test_a_citation_quotes_its_source_or_is_not_valid() -> None:
    """The span stands word for word in the excerpt of the very source that it names."""
    assert record(reply("doc_1")).valid_citations == 1
    for wrong in (
        {"start": 0, "end": 27, "source_index": 1},
        {"start": 0, "end": 25, "source_index": 2},
        {"start": 3, "end": 3, "source_index": 1},
    ):
        judged = record(reply("doc_1", citations=[wrong]))
        assert (judged.citations, judged.valid_citations) == (1, 0)


def test_silence_is_that_of_the_default() -> None:
    """Whether it answers is read from the reply at the default threshold, all else from the other one."""
    judged = record(reply("doc_1"), reply("doc_1", answer="I am not sure.", answered=False))
    assert (judged.answered, judged.reason, judged.right) == (False, "LOW_CONFIDENCE", True)
    assert judged.length == len("The sale ends on 17  May.")
    assert judged.repeated
    assert not record(reply("doc_1"), reply("doc_2")).repeated
    assert not record(reply("doc_1"), reply("doc_1", confidence={"score": 0.61, "level": "medium"})).repeated


def test_an_explanation_is_kept_where_there_is_one() -> None:
    """Features and times of the stages come along; without an explanation there are none."""
    explained = record(
        reply("doc_1", explanation={"features": {"dense": 0.5}, "milliseconds": {"embed": 1.5}})
    )
    assert (explained.features, explained.milliseconds) == ({"dense": 0.5}, {"embed": 1.5})
    assert record(reply("doc_1")).features == {}


def test_an_error_is_a_question_that_found_nothing() -> None:
    """It counts in every ranking, as no answer, with its code."""
    judged = refused(QUESTION, ("tea", ""), "INVALID_ARGUMENT")
    assert judged.ranks["hybrid"] == Rank(0, 0, 0)
    assert (judged.right, judged.answered, judged.holds_gold) == (False, False, False)
    assert judged.error == "INVALID_ARGUMENT"
    assert refused(QUESTION, ("tea", "half withheld"), "X").ranks == {}


def test_a_record_survives_json() -> None:
    """What was written is read back."""
    ranks = {"bm25": Rank.of(["q", "p"], QUESTION.gains)}
    judged = judge(QUESTION, ("tea", ""), reply("doc_1"), reply("doc_1"), PAGES, by_strings=True, ranks=ranks)
    judged = replace(judged, at_lengths={"300": Held.of("On 17 May. [1]", QUESTION.answers)})
    assert judged.at_lengths["300"] == Held(True, 10)
    assert Record.from_json(judged.as_json()) == judged
    assert judged.ranks["bm25"].recall == 1
