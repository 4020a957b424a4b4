"""Lexical search: BM25 over English stems."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import cast

import numpy as np
from tantivy import Occur, Query, Searcher

from services.vector_search.domain.vectors import Scores, Slots
from services.vector_search.index.lexical_schema import ANALYZER, SCHEMA

# Words of a question that count; the stop words are gone by then.
_MAX_TERMS = 256
# A question's rarer words: those that at most this share of the passages has, and always the rarest few.
_RARE_SHARE = 0.02
_RAREST = 3
# The engine scores every passage that has one of the words. Where the others are mentioned more often than
# this, it costs less to find candidates by the rarer ones and to score each of them.
_MANY = 15_000
# A word in more passages than this is looked up in each candidate; one in fewer is read from end to end.
_LONG = 10_000


@dataclass(frozen=True)
class LexicalHits:
    """Slots and their BM25 scores, best first."""

    slots: Slots
    scores: Scores


class LexicalView:
    """The index as it was at one commit; later changes don't touch it."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher

    def best(self, question: "Question", limit: int) -> LexicalHits:
        """Return at most `limit` slots that share a word with the question."""
        slots, scores = self._hits(question.query, limit)
        return LexicalHits(np.array(slots, dtype=np.int64), np.array(scores, dtype=np.float64))

    def best_of(self, question: "Question", slots: Slots, limit: int) -> LexicalHits:
        """Return at most `limit` of the given slots, a few hundred, that share a word with the question."""
        scores = self.scores_of(question, slots)
        order = np.argsort(-scores, kind="stable")[: min(limit, np.count_nonzero(scores))]
        return LexicalHits(slots[order], scores[order])

    def scores_of(self, question: "Question", slots: Slots) -> Scores:
        """Return the score of each of the given slots, a few hundred; 0 where no word is shared."""
        if not len(slots):
            return np.empty(0)
        asked = slots.tolist()
        # Not the engine's set of terms, which walks the whole dictionary.
        each = [(Occur.Should, Query.term_query(SCHEMA, "slot", slot)) for slot in asked]
        scored = Query.const_score_query(Query.boolean_query(each), 0.0)
        counted = self._counted(question)
        short = [term for count, term in counted if count <= _LONG]
        # One within the other: words side by side are all read from end to end.
        for words in (short, *([term] for count, term in counted if count > _LONG)):
            wanted = _any_of(question.only(words))
            scored = Query.boolean_query([(Occur.Must, scored), (Occur.Should, wanted)])
        scores = dict(zip(*self._hits(scored, len(asked)), strict=True))
        return np.array([scores.get(slot, 0.0) for slot in asked])

    def narrowed(self, question: "Question") -> "Question":
        """Return a question of the rarer words alone where the others are most of the work, else itself."""
        counted = self._counted(question)
        most = _RARE_SHARE * self.size
        rarer = [term for rank, (count, term) in enumerate(counted) if rank < _RAREST or count <= most]
        others = sum(count for count, _ in counted[len(rarer) :])
        return Question(question.only(rarer)) if others > _MANY else question

    @property
    def size(self) -> int:
        """Number of passages."""
        return int(self._searcher.num_docs)

    def _counted(self, question: "Question") -> list[tuple[int, str]]:
        """Return in how many passages each word is, and the word; the rarest first, none that nobody has."""
        counted = [(self._searcher.doc_freq("words", term), term) for term in question.terms]
        return sorted(each for each in counted if each[0])

    def _hits(self, query: Query, limit: int) -> tuple[list[int], list[float]]:
        """Return slots and scores, best first."""
        limit = min(limit, self.size)
        hits = self._searcher.search(query, limit, count=False).hits if limit else []
        slots = self._searcher.fast_field_values("slot", [address for _, address in hits])
        return cast(list[int], slots), [score for score, _ in hits]


class Question:
    """
    A question's words, ready to search with; `terms` tells how often it has each.

    A word counts as often as the question has it: in a long one that is what it is about.
    """

    def __init__(self, terms: Mapping[str, int]) -> None:
        self.terms = terms
        self.query = _any_of(terms)

    @classmethod
    def of(cls, text: str) -> "Question | None":
        """Return the question of a text, None where it has no word that counts."""
        terms = dict(islice(Counter(ANALYZER.analyze(text)).items(), _MAX_TERMS))
        return cls(terms) if terms else None

    def only(self, terms: Iterable[str]) -> dict[str, int]:
        """Return some of its words."""
        return {term: self.terms[term] for term in terms}


def _any_of(terms: Mapping[str, int]) -> Query:
    return Query.boolean_query([(Occur.Should, _wanted(term, count)) for term, count in terms.items()])


def _wanted(term: str, count: int) -> Query:
    query = Query.term_query(SCHEMA, "words", term, "freq")
    return Query.boost_query(query, float(count)) if count > 1 else query
