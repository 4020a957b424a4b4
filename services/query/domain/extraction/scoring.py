"""How likely each unit of the best passages is to answer a question."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.query.domain.extraction import expected
from services.query.domain.extraction.tables import judged_by
from services.query.domain.passage import Passage
from services.query.domain.retrieval.ranking import Candidate
from services.query.domain.text.reading import Pairs, pairs, reading
from services.query.domain.text.words import coverage, likeness, term_set, terms, weights
from services.query.domain.units import Kind, Unit

QUOTED_DOCUMENTS = 4
PASSAGES_EACH = 2

# Logits, fitted on the tuning halves of the public sets (tests/eval/README.md): a unit's share of the
# exponentials is its probability.
_COSINE = 8.8
_COVERED = 4.9
_COVERED_BY_NEIGHBOUR = 2.2
_EXPECTED = 1.4
_PASSAGE_BEHIND = -11.4
_PAIRS = 2.9
_BEHIND_BEST_OF_PASSAGE = 2.8
_IS_QUESTION = -6.1
_TOO_LITTLE = -3.1
_ANNOUNCES = -3.1
# By hand: the public sets' headings that ask were taken out of their pages.
_HEADING_ASKS = 5.0
_HEADING_DECAY = 0.3
_LIST_WANTED = 0.6

_TINY = 12


@dataclass(frozen=True)
class ScoredUnit:
    """
    A unit of a passage and its probability to be what answers, among all that were looked at.

    `wanted`: it is of the kind that the question wants; `list_wanted`: so is the list that it is an item of.
    """

    passage: Passage
    unit: Unit
    probability: float
    terms: frozenset[str]
    wanted: bool
    list_wanted: bool
    weight: Mapping[str, float]

    @property
    def text(self) -> str:
        """The unit's characters."""
        return self.passage.text[self.unit.start : self.unit.end]

    @property
    def announces(self) -> bool:
        """Whether it only leads into what follows it."""
        return announces(self.text)

    @property
    def is_step(self) -> bool:
        """Whether it is an item of a numbered list."""
        return _is_step(self.passage, self.unit)


@dataclass(frozen=True)
class _Wanted:
    """What a question wants, read once for all units."""

    fits: expected.Fits | None
    steps: bool
    items: bool
    pairs: Pairs

    @classmethod
    def of(cls, question: str) -> "_Wanted":
        return cls(
            expected.fits(question),
            expected.wants_steps(question),
            expected.wants_items(question),
            pairs(question),
        )


def announces(text: str) -> bool:
    """Tell whether a sentence only leads into what follows it."""
    return text.rstrip("*_ ").endswith(":")


def scored_units(
    question: str, candidates: Sequence[Candidate], found: Sequence[Passage]
) -> list[ScoredUnit]:
    """
    Return the units of the best documents, in their places' order.

    `found` are all passages of the search: what they have in common tells least about the answer.
    """
    if not candidates:
        return []
    weight = weights(terms(question), [reading(passage).whole for passage in found])
    wanted = _Wanted.of(question)
    top = candidates[0].score
    looked_at = [
        passage for each in candidates[:QUOTED_DOCUMENTS] for passage in each.passages[:PASSAGES_EACH]
    ]
    scored: list[tuple[float, ScoredUnit]] = []
    for passage in looked_at:
        scored.extend(_of_passage(wanted, weight, passage, top))
    highest = max((logit for logit, _ in scored), default=0.0)
    whole = sum(math.exp(logit - highest) for logit, _ in scored)
    return [
        ScoredUnit(
            each.passage,
            each.unit,
            math.exp(logit - highest) / whole,
            each.terms,
            each.wanted,
            each.list_wanted,
            weight,
        )
        for logit, each in scored
    ]


def _of_passage(
    wanted: _Wanted, weight: Mapping[str, float], passage: Passage, top: float
) -> list[tuple[float, ScoredUnit]]:
    asked = wanted.pairs
    read = reading(passage)
    units = passage.quotable
    texts = [passage.text[unit.start : unit.end] for unit in units]
    # A table is judged by one row: its words stand in different ones.
    judged = [
        judged_by(text, weight) if unit.kind is Kind.TABLE else text
        for unit, text in zip(units, texts, strict=True)
    ]
    held = [
        term_set(each) if unit.kind is Kind.TABLE else words
        for unit, each, words in zip(units, judged, read.units, strict=True)
    ]
    scored = []
    for at, (unit, text) in enumerate(zip(units, judged, strict=True)):
        list_wanted = _list_is_wanted(wanted, passage, unit)
        fitting = bool(wanted.fits and wanted.fits(text))
        around = frozenset[str]().union(*held[max(0, at - 1) : at], *held[at + 1 : at + 2])
        covered = coverage(weight, held[at])
        logit = _COSINE * passage.nearness(at) + _COVERED * covered
        logit += _COVERED_BY_NEIGHBOUR * (coverage(weight, held[at] | around) - covered)
        logit += _EXPECTED * (fitting or list_wanted) + _LIST_WANTED * list_wanted
        logit += _PASSAGE_BEHIND * (top - passage.score)
        logit += _PAIRS * (len(asked & read.unit_pairs[at]) / len(asked) if asked else 0.0)
        logit += _BEHIND_BEST_OF_PASSAGE * (passage.best_sentence - passage.nearness(at))
        logit += _HEADING_ASKS * _heading_asks(weight, passage, unit)
        logit += _IS_QUESTION * text.endswith("?") + _ANNOUNCES * announces(text)
        logit += _TOO_LITTLE * (not held[at] or (len(text) < _TINY and not fitting))
        found = ScoredUnit(passage, unit, 0.0, held[at], fitting or list_wanted, list_wanted, weight)
        scored.append((logit, found))
    return scored


def _list_is_wanted(wanted: _Wanted, passage: Passage, unit: Unit) -> bool:
    if unit.kind is not Kind.ITEM:
        return False
    if _is_step(passage, unit):
        return wanted.steps
    return wanted.items or wanted.steps


def _is_step(passage: Passage, unit: Unit) -> bool:
    line = passage.text.rfind("\n", 0, unit.start) + 1
    return passage.text[line : unit.start].strip()[:1].isdigit()


def _heading_asks(weight: Mapping[str, float], passage: Passage, unit: Unit) -> float:
    """Return how much the heading above a unit, alone or with the title, is the question; less, farther."""
    heading = unit.heading or " ".join(passage.heading_path[-1:])
    if not heading and passage.ordinal:
        return 0.0
    asks = (heading, f"{passage.title} {heading}")
    best = max(likeness(weight, term_set(each)) for each in asks)
    return best / (1 + _HEADING_DECAY * unit.place)
