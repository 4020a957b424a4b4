"""Custom answers: pairs in JSON, all that can be wrong with them, and the passages that they become."""

import json
from typing import Any

import pytest

from services.kernel.errors import InvalidArgument
from services.knowledge.domain.chunking.passage import MAX_CHUNKS, PassageKind
from services.knowledge.domain.custom_answers import (
    MAX_ANSWER,
    MAX_ANSWERS_BYTES,
    MAX_PAIRS,
    MAX_QUESTION,
    Pair,
    pairs,
    passages,
    violations,
)

PAIR = {"question": "Can I leave?", "alternatives": ["How do I quit?"], "answer": "Yes.\nAny time."}


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def refused(content: bytes) -> list[str]:
    with pytest.raises(InvalidArgument) as caught:
        pairs(content)
    assert list(caught.value.violations) == violations(content)
    return [each.pointer for each in caught.value.violations]


def test_one_pair_or_a_list() -> None:
    """Both forms are read; alternatives may be left out; a byte order mark does not matter."""
    one = Pair("Can I leave?", ("How do I quit?",), "Yes.\nAny time.")
    assert pairs(encoded(PAIR)) == [one]
    other = {"question": "Why?", "answer": "So."}
    assert pairs(b"\xef\xbb\xbf" + encoded([PAIR, other])) == [one, Pair("Why?", (), "So.")]


def test_all_violations_at_once() -> None:
    """Each broken rule of each pair is named by a pointer into the content."""
    wrong = [
        {"question": "", "alternatives": ["fine", " ", 3, None], "answer": "x" * (MAX_ANSWER + 1)},
        {"question": "x" * (MAX_QUESTION + 1), "alternatives": "no list", "colour": "red", "a/~": 1},
        "no object",
        {"question": "a\nb", "alternatives": ["x"] * 21, "answer": "a\x00"},
        {"question": ["no text"], "alternatives": {"no": "list"}, "answer": None},
        {"question": "fine", "alternatives": None, "answer": "lone \ud800"},
    ]
    assert refused(encoded(wrong)) == [
        "/content/0/question",
        "/content/0/alternatives/1",
        "/content/0/alternatives/2",
        "/content/0/alternatives/3",
        "/content/0/answer",
        "/content/1/colour",
        "/content/1/a~1~0",
        "/content/1/question",
        "/content/1/alternatives",
        "/content/1/answer",
        "/content/2",
        "/content/3/question",
        "/content/3/alternatives",
        "/content/3/answer",
        "/content/4/question",
        "/content/4/alternatives",
        "/content/4/answer",
        "/content/5/alternatives",
        "/content/5/answer",
    ]


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (b"", "/content"),
        (b"# Markdown", "/content"),
        (b'{"question": "a", "answer": "b"', "/content"),
        (b"\xff", "/content"),
        (b"[" * 100_000, "/content"),
        (b"1" * 5000, "/content"),
        (b'"text"', "/content"),
        (b"null", "/content"),
        (b"[]", "/content"),
        (b'{"question": "a"}', "/content/answer"),
        (b'{"question": "a", "question": "b", "answer": "c"}', "/content/question"),
        (b'{"question": "a", "answer": "c", "x": 1, "x": 2}', "/content/x"),
        (b'{"question": "a", "answer": "c", "": 1}', "/content"),
        (b'{"question": "a", "answer": "c", "' + b"x" * 65 + b'": 1}', "/content"),
        (b'{"question": "a", "answer": NaN}', "/content/answer"),
    ],
)
def test_refused(content: bytes, pointer: str) -> None:
    """Whatever it is, it is refused with a pointer, and nothing is guessed."""
    assert refused(content) == [pointer]


def test_where_json_ends_to_be_json_is_told() -> None:
    """Line and column help who wrote it by hand."""
    (violation,) = violations(b'[\n {"question": "a",}\n]')
    assert "line 2, column" in violation.detail


def test_accepted_at_the_limits() -> None:
    """The limits themselves are allowed."""
    full = {
        "question": "q" * MAX_QUESTION,
        "alternatives": ["b" * MAX_QUESTION] * 20,
        "answer": "a" * MAX_ANSWER,
    }
    (pair,) = pairs(encoded(full))
    assert len(pair.alternatives) == 20
    assert len(pairs(encoded([{"question": f"q{n}", "answer": "a"} for n in range(MAX_PAIRS)]))) == MAX_PAIRS


def test_too_many_pairs() -> None:
    """More than a thousand are not looked at."""
    assert refused(encoded([{}] * (MAX_PAIRS + 1))) == ["/content"]


def test_no_more_questions_than_a_document_has_passages() -> None:
    """What could never be indexed is refused when it is written."""
    full = [
        {"question": f"q{n}", "alternatives": [f"a{n}.{m}" for m in range(19)], "answer": "x"}
        for n in range(100)
    ]
    assert len(passages(pairs(encoded(full)), len)) == MAX_CHUNKS
    assert refused(encoded([*full, {"question": "One more?", "answer": "x"}])) == ["/content"]


def test_answers_count_once_for_each_question() -> None:
    """Long answers with many alternatives are no way to an endless index."""
    long: list[dict[str, Any]] = [
        {"question": f"q{n}", "alternatives": [f"a{n}.{m}" for m in range(19)], "answer": "€" * MAX_ANSWER}
        for n in range(44)
    ]
    assert len(long) * 20 * 3 * MAX_ANSWER > MAX_ANSWERS_BYTES
    assert refused(encoded(long)) == ["/content"]
    assert violations(encoded(long[:43])) == []


def test_each_question_becomes_a_passage() -> None:
    """Question and alternatives lead to the same answer; asked twice is asked once."""
    pair = Pair("Can I leave? ", ("How do I quit?", "Can I leave?"), " Yes.\r\nAny time.\r")
    found = passages([pair], len)
    assert [each.heading_path for each in found] == [("Can I leave?",), ("How do I quit?",)]
    assert {(each.text, each.tokens, each.kind) for each in found} == {
        ("Yes.\nAny time.", 14, PassageKind.ANSWER)
    }
