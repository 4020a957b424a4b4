from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import corpus
from tests.e2e.asking import STREAM, ask
from tests.e2e.system import System, Workspace, assert_problem, finished, indexed

QA = "application/vnd.supportagent.qa+json"
PATH = "/v1/knowledge/documents/by-external-id/answers/gifts.qa.json"
WRAPPING = {
    "question": "Do you wrap tea as a gift?",
    "alternatives": ["Can I have my order gift-wrapped?"],
    "answer": "Yes, for €3:\n\n- choose **gift paper** in the basket\n- write 80 characters for the card",
}
VOUCHER = {"question": "How long is a voucher valid?", "answer": "A voucher is valid for three years."}


@pytest.fixture(scope="module")
def shop(system: System, leaf_pages: Path) -> Workspace:
    """A workspace with the pages of `leaf` and custom answers."""
    workspace = system.workspace("shop")
    system.cli("kb", "push", str(leaf_pages), key=workspace.key)
    return workspace


@pytest.fixture
def gifts(shop: Workspace) -> Iterator[dict[str, Any]]:
    """Two custom answers; their document goes when the test ends."""
    yield put(shop, [WRAPPING, VOUCHER])
    finished(shop.http, shop.http.delete(PATH).json())


def put(workspace: Workspace, pairs: Any) -> dict[str, Any]:
    """Writes custom answers and waits until they hold."""
    body = {"title": "Gifts", "content_type": QA, "content": json.dumps(pairs)}
    answer = workspace.http.put(PATH, json=body)
    assert answer.status_code == 202, answer.text
    return indexed(workspace.http, answer.json())


@pytest.mark.parametrize(
    "message",
    [
        WRAPPING["question"],
        "do you wrap tea as a gift",
        "Can I have my order gift-wrapped?",
        "Do you wrap teas as gifts?",
        "Can you gift-wrap my order?",
    ],
)
def test_it_is_answered_word_for_word(shop: Workspace, gifts: dict[str, Any], message: str) -> None:
    """To its question, to its alternatives and to what means the same; the citation covers all of it."""
    told = ask(shop, message)
    assert (told["answered"], told["answerer"], told["reason"]) == (True, "custom", "")
    assert told["answer"] == f"{WRAPPING['answer']} [1]"
    assert told["citations"] == [{"start": 0, "end": len(WRAPPING["answer"]), "source_index": 1}]
    source = told["sources"][0]
    assert (source["document_id"], source["title"]) == (gifts["id"], "Gifts")
    assert WRAPPING["answer"] in source["excerpt"]
    assert told["confidence"]["level"] == "high"


def test_it_is_streamed_too(shop: Workspace, gifts: dict[str, Any]) -> None:
    """As every answer."""
    told = ask(shop, "How long is a voucher valid?", STREAM)
    assert (told["answer"], told["answerer"]) == (f"{VOUCHER['answer']} [1]", "custom")
    assert told["sources"][0]["document_id"] == gifts["id"]


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("How many days do I have to return an opened tin of tea?", "Returns"),
        ("How long is the link in the password message valid?", "Forgotten password"),
    ],
)
def test_another_question_is_answered_by_its_page(
    shop: Workspace, gifts: dict[str, Any], message: str, title: str
) -> None:
    """A custom answer stands back where another page has the answer."""
    told = ask(shop, message, min_confidence=0)
    assert told["answerer"] == "extractive"
    assert told["sources"][0]["title"] == title
    assert gifts["id"] not in {
        told["sources"][each["source_index"] - 1]["document_id"] for each in told["citations"]
    }


def test_it_outranks_a_page(shop: Workspace) -> None:
    """What the workspace wants said to a question goes before what its pages say."""
    question = "How many days do I have to return an opened tin of tea?"
    assert "17 days" in ask(shop, question, min_confidence=0)["answer"]
    put(shop, {"question": question, "answer": "This week you have 30 days."})
    told = ask(shop, question)
    assert (told["answer"], told["answerer"]) == ("This week you have 30 days. [1]", "custom")
    assert "Returns" in [each["title"] for each in told["sources"][1:]]
    finished(shop.http, shop.http.delete(PATH).json())


def test_changes_take_effect(shop: Workspace) -> None:
    """Once the document is indexed the new answer is given; once it is deleted, none."""
    question = "How long is a voucher valid?"

    def told() -> tuple[str, str]:
        answer = ask(shop, question)
        return answer["answerer"], answer["answer"]

    first = put(shop, VOUCHER)
    assert told() == ("custom", "A voucher is valid for three years. [1]")
    second = put(shop, {**VOUCHER, "answer": "A voucher is valid for five years."})
    assert second["id"] == first["id"]
    assert told() == ("custom", "A voucher is valid for five years. [1]")
    assert finished(shop.http, shop.http.delete(PATH).json())["status"] == "succeeded"
    answerer, answer = told()
    assert answerer != "custom"
    assert "voucher is valid" not in answer


def test_a_bound_holds_for_it_too(shop: Workspace, gifts: dict[str, Any]) -> None:
    """Below the confidence that a caller wants a custom answer is withheld as any other."""
    assert ask(shop, "Do you wrap tea as a gift?", min_confidence=1)["answered"] is False


def test_filters_hold_for_it_too(shop: Workspace, gifts: dict[str, Any]) -> None:
    """A document that is filtered out answers nothing."""
    told = ask(shop, "Do you wrap tea as a gift?", filters={"tags": ["returns"]})
    assert told["answerer"] != "custom"
    assert gifts["id"] not in [each["document_id"] for each in told["sources"]]


@pytest.mark.parametrize(
    ("content", "pointers"),
    [
        ("[{", ["/content"]),
        ("[]", ["/content"]),
        ('"Why?"', ["/content"]),
        ('{"question": "Why?"}', ["/content/answer"]),
        (
            '[{"question": "Why?", "answer": "So."}, {"question": 3, "answer": " "}, 7]',
            ["/content/1/question", "/content/1/answer", "/content/2"],
        ),
        (
            '[{"question": "Why?", "answer": "So.", "alternatives": ["a", 1], "tags": []}]',
            ["/content/0/tags", "/content/0/alternatives/1"],
        ),
        ('[{"question": "Why?", "question": "How?", "answer": "So."}]', ["/content/0/question"]),
    ],
)
def test_malformed_pairs(shop: Workspace, content: str, pointers: list[str]) -> None:
    """Are refused when they are written, with a pointer to each mistake; nothing is stored."""
    body = {"title": "", "content_type": QA, "content": content}
    for answer in (shop.http.put(PATH, json=body), shop.http.post("/v1/knowledge/documents", json=body)):
        problem = assert_problem(answer, 400, "INVALID_ARGUMENT")
        assert [each["pointer"] for each in problem["errors"]] == ["/title", *pointers]
    assert_problem(shop.http.delete(PATH), 404, "DOCUMENT_NOT_FOUND")


def test_files_are_pushed(system: System, tmp_path: Path) -> None:
    """`kb push` takes NAME.qa.json as custom answers; one that is malformed fails alone, and says why."""
    workspace = system.workspace("pushed")
    pages = {
        "shop/gifts.qa.json": json.dumps([WRAPPING, VOUCHER]),
        "shop/broken.qa.json": '[{"question": "Why?"}]',
        "package.json": "{}",
    }
    folder = str(corpus.write(tmp_path, pages))
    pushed = system.cli("kb", "push", folder, key=workspace.key, check=False)
    assert (pushed.returncode, pushed.stdout) == (1, "1 created, 0 updated, 0 unchanged, 1 failed\n")
    assert "shop/broken.qa.json: /content/0/answer: is required" in pushed.stderr
    told = ask(workspace, "How long is a voucher valid?")
    assert (told["answerer"], told["sources"][0]["title"]) == ("custom", "gifts")
    (tmp_path / "shop/broken.qa.json").unlink()
    again = system.cli("kb", "push", folder, key=workspace.key)
    assert again.stdout == "0 created, 0 updated, 1 unchanged, 0 failed\n"
