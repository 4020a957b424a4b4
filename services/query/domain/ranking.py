"""Which documents a question's passages speak for."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.query.domain.passage import Passage
from services.query.domain.words import words

_SAME = 0.9
_SHINGLE = 4


@dataclass(frozen=True)
class Candidate:
    """A document and its passages among those found, best first; its score is its best passage's."""

    passages: tuple[Passage, ...]

    @property
    def score(self) -> float:
        """The best passage's score."""
        return self.passages[0].score


def documents(passages: Iterable[Passage], most: int) -> list[Candidate]:
    """
    Return at most `most` documents, best first.

    A document whose best passage says nearly the same as a better document's is left out.
    """
    grouped: dict[str, list[Passage]] = {}
    for passage in ranked(passages):
        grouped.setdefault(passage.document_id, []).append(passage)
    kept: list[Candidate] = []
    seen: list[frozenset[tuple[str, ...]]] = []
    for group in grouped.values():
        if len(kept) == most:
            break
        shingles = _shingles(group[0].text)
        if not any(_alike(shingles, other) for other in seen):
            kept.append(Candidate(tuple(group)))
            seen.append(shingles)
    return kept


def ranked(passages: Iterable[Passage]) -> list[Passage]:
    """Return passages best first; equal ones in an order that depends on nothing but themselves."""
    return sorted(
        passages, key=lambda each: (-each.score, -each.dense, each.document_id, each.ordinal, each.chunk_id)
    )


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    every = words(text)
    return frozenset(tuple(every[at : at + _SHINGLE]) for at in range(max(1, len(every) - _SHINGLE + 1)))


def _alike(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    return len(one & other) >= _SAME * len(one | other)
