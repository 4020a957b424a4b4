"""What is loaded into one workspace, and the questions that are asked there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from tests.eval.dataset import DataSet, Page, Question

TUNE, TEST, ALL = "tune", "test", "all"
WITHHELD = "half withheld"


@dataclass(frozen=True)
class Case:
    """
    A set with all of its pages (`variant` is empty) or some of them.

    The questions know whether these pages answer them.
    """

    set: str
    variant: str
    pages: tuple[Page, ...]
    questions: tuple[Question, ...]
    content_type: str
    has_gold_strings: bool

    @property
    def name(self) -> str:
        """The set's name and the variant's."""
        return f"{self.set}, {self.variant}" if self.variant else self.set


def first_byte(text: str) -> int:
    """Return the first byte of a text's SHA-256."""
    return sha256(text.encode()).digest()[0]


def part_of(question_id: str) -> str:
    """Return the part that a question belongs to: what is fitted is fitted on `tune` and shown on `test`."""
    return TEST if first_byte(question_id) % 2 else TUNE


def chosen(questions: Iterable[Question], part: str, most: int = 0) -> tuple[Question, ...]:
    """Return the questions of a part; at most `most` (0: all) of them, the same ones each time."""
    kept = [each for each in questions if part in (ALL, part_of(each.id))]
    if most:
        # By the second byte on: the first one is the same kind for all of a part.
        lucky = sorted((each.id for each in kept), key=lambda name: sha256(name.encode()).digest()[1:])[:most]
        kept = [each for each in kept if each.id in set(lucky)]
    return tuple(kept)


def cases(data: DataSet, part: str = ALL, most: int = 0) -> Iterator[Case]:
    """
    Yield the set as it is; where pages belong to products, also each product alone and half of the pages.

    With one product loaded, the others' questions are the unanswerable ones. A page is withheld where the
    first byte of its id's SHA-256 is even; a question is then unanswerable if all of its gold pages are
    withheld, and left out if only some are.
    """
    asked = chosen(data.questions, part, most)
    yield _case(data, "", data.pages, asked)
    if not data.products:
        return
    if len(data.products) > 1:
        for product in data.products:
            pages = tuple(page for page in data.pages if page.product == product)
            yield _case(data, f"{product} alone", pages, tuple(_given(asked, pages)))
    kept = tuple(page for page in data.pages if first_byte(page.id) % 2)
    yield _case(data, WITHHELD, kept, tuple(_given(asked, kept)))


def _case(data: DataSet, variant: str, pages: tuple[Page, ...], asked: tuple[Question, ...]) -> Case:
    return Case(data.name, variant, pages, asked, data.content_type, data.has_gold_strings)


def _given(questions: Iterable[Question], pages: tuple[Page, ...]) -> Iterator[Question]:
    """Yield the answerable questions whose gold pages are all there or all missing, told which."""
    present = {page.id for page in pages}
    for each in questions:
        there = each.gains.keys() & present
        if each.answerable and each.gains and len(there) in (0, len(each.gains)):
            yield replace(each, answerable=bool(there))
