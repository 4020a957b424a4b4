"""A passage as evidence: what it holds as a whole and sentence by sentence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.kernel.sentences import sentences
from services.query.domain.generation.facts import (
    Clause,
    addresses,
    clauses,
    denies,
    literals,
    names,
    numbers_held,
    word_set,
)
from services.query.domain.passage import Passage
from services.query.domain.text.words import term_set
from services.query.domain.units import Kind, Unit

_TABLE_OR_LINE = re.compile(r"(?:^[ \t]*\|.*(?:\n|$))+|^.+$", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """
    A sentence, an item, a row of a table or a piece of code of a passage.

    `named` are the words of whatever tells what it is about: its own, its headings and the title, and those
    of the sentence before it if it names nothing itself.
    """

    text: str
    terms: frozenset[str]
    words: frozenset[str]
    numbers: frozenset[str]
    named: frozenset[str]
    clauses: tuple[Clause, ...]
    denied: bool


@dataclass(frozen=True)
class Evidence:
    """What a passage can vouch for."""

    passage: Passage
    terms: frozenset[str]
    words: frozenset[str]
    numbers: frozenset[str]
    literals: frozenset[str]
    addresses: frozenset[str]
    text: str
    statements: tuple[Statement, ...]
    # What it speaks of without denying it, somewhere.
    affirmed: frozenset[str]

    @classmethod
    def of(cls, passage: Passage) -> "Evidence":
        """Read a passage."""
        statements = tuple(_statements(passage))
        told = (each.terms for statement in statements for each in statement.clauses if not each.denied)
        whole = f"{passage.whole}\n{passage.url}"
        return cls(
            passage=passage,
            terms=term_set(passage.whole),
            words=word_set(whole),
            numbers=numbers_held(passage.whole),
            literals=literals(whole),
            addresses=addresses(whole),
            text=" ".join(whole.split()).casefold(),
            statements=statements,
            affirmed=term_set(" ".join((passage.title, *passage.heading_path))).union(*told),
        )


def _statements(passage: Passage) -> Iterator[Statement]:
    above = word_set(" ".join((passage.title, *passage.heading_path)))
    before: frozenset[str] = frozenset()
    for unit, text in _texts(passage):
        own = word_set(text)
        # "It costs 12 euros" is about what the sentence before it names. A row is about itself.
        lent = frozenset() if unit.kind is Kind.TABLE or names(text) else before
        yield Statement(
            text=text,
            terms=term_set(text),
            words=own,
            numbers=numbers_held(text),
            named=own | above | word_set(unit.heading) | lent,
            clauses=tuple(clauses(text)),
            denied=denies(text),
        )
        before = own | lent


def _texts(passage: Passage) -> Iterator[tuple[Unit, str]]:
    """Yield the unit and the text of each statement; a table's head stands above each of its rows."""
    for unit in passage.units or _lines(passage.text):
        text = passage.text[unit.start : unit.end]
        if unit.kind is not Kind.TABLE:
            yield unit, text
            continue
        head, *rows = text.splitlines()
        for row in rows or [""]:
            if any(each.isalnum() for each in row or head):
                yield unit, f"{head}\n{row}"


def _lines(text: str) -> Iterator[Unit]:
    """Yield the tables, and the sentences of the other lines, of a passage that came without its units."""
    for match in _TABLE_OR_LINE.finditer(text):
        if match.group().lstrip().startswith("|"):
            yield Unit(match.start(), match.end(), Kind.TABLE, 0, "", 0)
        else:
            for start, end in sentences(text, match.start(), match.end()):
                yield Unit(start, end, Kind.SENTENCE, 0, "", 0)
