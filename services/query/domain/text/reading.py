"""A passage as words: what each of its units holds, and which words stand side by side."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from services.query.domain.passage import Passage
from services.query.domain.text.vocabulary import STOP_WORDS
from services.query.domain.text.words import folded, stem, term_set

Pairs = frozenset[tuple[str, str]]

# A passage is found for many questions; what is kept of one takes about 30 kB.
_REMEMBERED = 1_024


@dataclass(frozen=True)
class Reading:
    """
    The different terms of each unit, of the title and headings, and of all together.

    `pairs` are neighbouring words, stop words included, per unit in `unit_pairs`.
    """

    units: tuple[frozenset[str], ...]
    headings: frozenset[str]
    whole: frozenset[str]
    unit_pairs: tuple[Pairs, ...]
    pairs: Pairs


def reading(passage: Passage) -> Reading:
    """Return the words of a passage."""
    spans = tuple((unit.start, unit.end) for unit in passage.quotable)
    return _reading(passage.title, passage.heading_path, passage.text, spans)


def pairs(text: str) -> Pairs:
    """Return the neighbouring words of a text."""
    return frozenset(pairwise([stem(word) for word in folded(text)]))


@lru_cache(maxsize=_REMEMBERED)
def _reading(
    title: str, heading_path: tuple[str, ...], text: str, spans: tuple[tuple[int, int], ...]
) -> Reading:
    units, unit_pairs = [], []
    for start, end in spans:
        every = folded(text[start:end])
        stems = [stem(word) for word in every]
        held = {stemmed for word, stemmed in zip(every, stems, strict=True) if word not in STOP_WORDS}
        units.append(frozenset(held or stems))
        unit_pairs.append(frozenset(pairwise(stems)))
    above = (title, *heading_path)
    headings = frozenset[str]().union(*(term_set(each) for each in above))
    return Reading(
        tuple(units),
        headings,
        headings.union(*units),
        tuple(unit_pairs),
        frozenset[tuple[str, str]]().union(*unit_pairs, *(pairs(each) for each in above)),
    )
