"""Which passages, and which documents, answer a question best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from heapq import nsmallest

from services.query.domain.passage import Passage
from services.query.domain.text.reading import pairs, reading
from services.query.domain.text.words import coverage, terms, weights, words

# Shares of a passage's score, fitted on the tuning halves of the public sets (tests/eval/README.md).
_DENSE = 0.7
_LEXICAL = 0.15
_BEST_SENTENCE = 0.4
_COVERAGE = 0.2
_PAIRS = 0.2
_BEST_COVERAGE = 0.25
_ALL = _DENSE + _LEXICAL + _BEST_SENTENCE + _COVERAGE + _PAIRS + _BEST_COVERAGE
# What a document's second passage adds to its best.
_SECOND = 0.03

_SAME = 0.9
_SHINGLE = 4
# Best passages of documents, which are found again and again.
_REMEMBERED = 1_024


@dataclass(frozen=True)
class Candidate:
    """A document and its passages among those found, best first; its score is its best passage's."""

    passages: tuple[Passage, ...]

    @property
    def score(self) -> float:
        """The best passage's score."""
        return self.passages[0].score


def reordered(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """
    Return passages best first, each with a score, 0 to 1, of all that is known of it.

    The search knows a passage's cosine and its BM25. Here its sentences count too, and the words of the
    question, alone and side by side, that it holds; and a little, that its document was found twice.
    """
    if not passages:
        return []
    readings = [reading(passage) for passage in passages]
    weight = weights(terms(question), [each.whole for each in readings])
    asked = pairs(question)
    most = max(passage.lexical for passage in passages) or 1.0
    scores = [
        (
            _DENSE * passage.dense
            + _LEXICAL * passage.lexical / most
            + _BEST_SENTENCE * passage.best_sentence
            + _COVERAGE * coverage(weight, read.whole)
            + _PAIRS * (len(asked & read.pairs) / len(asked) if asked else 0.0)
            + _BEST_COVERAGE * max((coverage(weight, unit) for unit in read.units), default=0.0)
        )
        / _ALL
        for passage, read in zip(passages, readings, strict=True)
    ]
    return ranked(
        replace(passage, score=score / (1 + _SECOND))
        for passage, score in zip(passages, _with_seconds(passages, scores), strict=True)
    )


def documents(passages: Iterable[Passage], most: int) -> list[Candidate]:
    """
    Return at most `most` documents, best first.

    A document whose best passage says nearly the same as a better document's is left out.
    """
    kept: list[Candidate] = []
    seen: list[frozenset[tuple[str, ...]]] = []
    for group in _by_document(ranked(passages)):
        if len(kept) == most:
            break
        shingles = _shingles(group[0].text)
        if not any(_alike(shingles, other) for other in seen):
            kept.append(Candidate(tuple(group)))
            seen.append(shingles)
    return kept


def ranked(passages: Iterable[Passage]) -> list[Passage]:
    """Return passages best first; equal ones in an order that depends on nothing but themselves."""
    return sorted(passages, key=lambda each: (-each.score, *_place(each)))


def _place(passage: Passage) -> tuple[float, str, int, str]:
    """Return what decides between equal scores."""
    return -passage.dense, passage.document_id, passage.ordinal, passage.chunk_id


def _by_document(passages: Iterable[Passage]) -> list[list[Passage]]:
    grouped: dict[str, list[Passage]] = {}
    for passage in passages:
        grouped.setdefault(passage.document_id, []).append(passage)
    return list(grouped.values())


def _with_seconds(passages: Sequence[Passage], scores: Sequence[float]) -> list[float]:
    """Return the scores, a document's best one lifted by its second best."""
    of_document: dict[str, list[int]] = {}
    for at, passage in enumerate(passages):
        of_document.setdefault(passage.document_id, []).append(at)
    lifted = list(scores)
    for places in of_document.values():
        if len(places) > 1:
            best, second = nsmallest(2, places, key=lambda at: (-scores[at], *_place(passages[at])))
            lifted[best] += _SECOND * scores[second]
    return lifted


@lru_cache(maxsize=_REMEMBERED)
def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    every = words(text)
    return frozenset(tuple(every[at : at + _SHINGLE]) for at in range(max(1, len(every) - _SHINGLE + 1)))


def _alike(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    return len(one & other) >= _SAME * len(one | other)
