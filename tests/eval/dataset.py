"""
Sets of pages and questions from files.

A set is a folder with `corpus.jsonl` {_id, title, text, (url, product)}, `queries.jsonl` {_id, text,
(answerable, answer, answers, history, product)} and `qrels.tsv` (query-id, corpus-id, score): the form of
BEIR (Thakur et al. 2021) with more about the answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

FILES = ("corpus.jsonl", "queries.jsonl", "qrels.tsv")
# A longer answer is an essay, of which no other answer holds every character.
LONGEST_GOLD_STRING = 100
# What the public API takes.
LONGEST_MESSAGE, LONGEST_HISTORY = 8_000, 40
LONGEST_TITLE, LONGEST_URL = 500, 2_048
# A page must have a title. It is never made of the id, which may hold the question.
UNTITLED = "Untitled"

_MARKDOWN = re.compile(r"^#{1,6} |\]\(|^```", re.MULTILINE)
_MARKDOWN_FROM = 0.05
_ROLES = ("user", "assistant")


class NotASet(Exception):
    """A folder does not have the files of a set, or they are not of its form."""


@dataclass(frozen=True)
class Page:
    """A page of the corpus; `product` is empty where the set has no products."""

    id: str
    title: str
    text: str
    url: str = ""
    product: str = ""


@dataclass(frozen=True)
class Question:
    """
    A question and what is known of its right answer.

    `history` has (role, content), oldest first; `gains` the weights of the gold pages by id; `answers` the
    gold strings. `answerable` None: the set does not say, and no page is gold.
    """

    id: str
    text: str
    history: tuple[tuple[str, str], ...] = ()
    gains: Mapping[str, float] = field(default_factory=dict)
    answers: tuple[str, ...] = ()
    answerable: bool | None = None
    product: str = ""


@dataclass(frozen=True)
class DataSet:
    """Pages and questions about them."""

    name: str
    pages: tuple[Page, ...]
    questions: tuple[Question, ...]

    @property
    def content_type(self) -> str:
        """What the pages are, judged by all of them: Markdown where some have headings, links or fences."""
        marked = sum(bool(_MARKDOWN.search(page.text)) for page in self.pages)
        return "text/markdown" if marked > _MARKDOWN_FROM * len(self.pages) else "text/plain"

    @property
    def products(self) -> list[str]:
        """The products of the pages, sorted."""
        return sorted({page.product for page in self.pages if page.product})

    @property
    def has_gold_strings(self) -> bool:
        """Whether right answers are known by their words: for half of the answerable questions at least."""
        answerable = [each for each in self.questions if each.answerable]
        return 2 * sum(bool(each.answers) for each in answerable) >= max(1, len(answerable))


def read(folder: Path) -> tuple[list[DataSet], list[str]]:
    """
    Return the sets of a folder, which is one or has some, and a line for each of its folders that is none.

    Raises:
        NotASet: there is none.
    """
    if any((folder / name).exists() for name in FILES):
        return [read_set(folder)], []
    sets, skipped = [], []
    for each in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not each.is_dir():
            continue
        try:
            sets.append(read_set(each))
        except NotASet as error:
            skipped.append(f"skipped {error}")
    if not sets:
        raise NotASet(f"{folder}: neither a set nor a folder of sets")
    return sets, skipped


def read_set(folder: Path) -> DataSet:
    """
    Return the set in a folder.

    Raises:
        NotASet: a file is missing, or a line is not what it should be; the text says where.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise NotASet(f"{folder.name}: no {', '.join(missing)}")
    pages = tuple(_page(each) for each in _lines(folder / "corpus.jsonl"))
    gains = _gains(folder / "qrels.tsv")
    products = {page.id: page.product for page in pages}
    asked = (_question(each, gains.get(str(each["_id"]), {})) for each in _lines(folder / "queries.jsonl"))
    questions = [_of_product(each, products) for each in asked if each.text.strip()]
    return DataSet(folder.name, pages, tuple(questions))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise NotASet(f"{path.parent.name}: {path.name}, line {number}: {error}") from error
        if not isinstance(value, dict) or "_id" not in value or "text" not in value:
            raise NotASet(f"{path.parent.name}: {path.name}, line {number}: no _id and text")
        yield value


def _page(line: dict[str, Any]) -> Page:
    return Page(
        id=str(line["_id"]),
        title=_clean(line.get("title"))[:LONGEST_TITLE].strip() or UNTITLED,
        text=_clean(line["text"]),
        url=_url(_clean(line.get("url"))),
        product=_clean(line.get("product")),
    )


def _url(text: str) -> str:
    return text if text.startswith(("http://", "https://")) and len(text) <= LONGEST_URL else ""


def _question(line: dict[str, Any], gains: dict[str, float]) -> Question:
    said = line.get("answerable")
    return Question(
        id=str(line["_id"]),
        text=_clean(line["text"])[:LONGEST_MESSAGE],
        history=tuple(_history(line.get("history") or ())),
        gains=gains,
        answers=tuple(_answers(line)),
        answerable=said if isinstance(said, bool) else True if gains else None,
        product=_clean(line.get("product")),
    )


def _history(entries: Any) -> list[tuple[str, str]]:
    said = [(each.get("role"), _clean(each.get("content") or each.get("text"))) for each in entries]
    kept = [(role, text[:LONGEST_MESSAGE]) for role, text in said if role in _ROLES and text.strip()]
    return kept[-LONGEST_HISTORY:]


def _answers(line: dict[str, Any]) -> list[str]:
    given = line.get("answers") or line.get("answer") or ()
    strings = [given] if isinstance(given, str) else given
    cleaned = (_clean(each).strip() for each in strings)
    return [each for each in cleaned if 0 < len(each) <= LONGEST_GOLD_STRING]


def _of_product(question: Question, products: Mapping[str, str]) -> Question:
    """Return the question with its product, by its gold pages where it does not say itself."""
    of_gold = {products.get(page, "") for page in question.gains}
    if question.product or len(of_gold) != 1:
        return question
    return replace(question, product=of_gold.pop())


def _gains(path: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        cells = line.rstrip("\r").split("\t")
        if not line.strip() or (number == 1 and not _is_number(cells[-1])):
            continue
        if len(cells) != 3 or not _is_number(cells[2]):
            raise NotASet(f"{path.parent.name}: {path.name}, line {number}: not query-id, corpus-id, score")
        if float(cells[2]) > 0:
            found.setdefault(cells[0], {})[cells[1]] = float(cells[2])
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _clean(value: object) -> str:
    """Return text that UTF-8 can say: JSON can name halves of a character, and nothing else takes them."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
