"""Hybrid ranking: candidates of both indexes, both scores for each, one order."""

from dataclasses import dataclass

import numpy as np

from services.vector_search.domain.fusion import FusionWeights, fuse
from services.vector_search.domain.search import SearchQuery
from services.vector_search.domain.vectors import Scores, Slots
from services.vector_search.index.dense import Allowed, DenseIndex
from services.vector_search.index.lexical import LexicalHits, LexicalView, Question
from services.vector_search.index.rows import Rows, RowTable

# Candidates per index, so that what one of them ranks low but both together rank high is seen.
_MIN_DEPTH = 50


@dataclass(frozen=True)
class Ranked:
    """Aligned: slots, what they rank by, cosines, BM25 scores. Best first, equal ones kept at the end."""

    slots: Slots
    fused: Scores
    dense: Scores
    lexical: Scores


def rank(
    query: SearchQuery,
    *,
    table: RowTable,
    allowed: Allowed,
    dense_index: DenseIndex,
    lexical: LexicalView,
    weights: FusionWeights,
) -> Ranked:
    """
    Return the best `limit` allowed passages, and more where they are equal to the last.

    With a vector there are `limit` of them wherever that many are allowed; with words alone only passages
    that share one are found.
    """
    question = Question.of(query.text)
    if query.exact:
        found = _every(query, question, table, allowed, lexical)
    else:
        found = _likely(query, question, table, allowed, dense_index, lexical)
    rows, cosines, scores = found
    zeros = np.zeros(len(rows))
    fused = fuse(cosines, scores, weights) if len(rows) else zeros
    kept = _best_with_ties(fused, query.limit)
    return Ranked(
        table.slots[rows[kept]],
        fused[kept],
        (zeros if cosines is None else cosines)[kept],
        (zeros if scores is None else scores)[kept],
    )


_Found = tuple[Rows, Scores | None, Scores | None]


def _every(
    query: SearchQuery, question: Question | None, table: RowTable, allowed: Allowed, lexical: LexicalView
) -> _Found:
    rows = np.flatnonzero(allowed.mask)
    scores = None
    if question is not None:
        scores = _spread(lexical.best(question, lexical.size), table, rows)
    if query.vector is not None:
        return rows, table.exact_cosines(query.vector, rows), scores
    if scores is None:
        return rows[:0], None, np.zeros(0)
    sharing = scores > 0
    return rows[sharing], None, scores[sharing]


def _likely(
    query: SearchQuery,
    question: Question | None,
    table: RowTable,
    allowed: Allowed,
    dense_index: DenseIndex,
    lexical: LexicalView,
) -> _Found:
    depth = max(_MIN_DEPTH, 2 * query.limit)
    words = _words(question, table, allowed, lexical, depth)
    if query.vector is None:
        return table.rows_of(words.slots), None, words.scores
    if question is None:
        nearest = dense_index.nearest(table, query.vector, query.limit, allowed)
        return nearest.rows, nearest.scores, None
    nearest = dense_index.nearest(table, query.vector, depth, allowed)
    rows = np.union1d(nearest.rows, table.rows_of(words.slots))
    scores = _spread(words, table, rows)
    if len(words.slots) >= depth:
        unscored = rows[scores == 0]
        rest = lexical.best_of(question, table.slots[unscored], len(unscored))
        scores += _spread(rest, table, rows)
    return rows, table.cosines(query.vector, rows), scores


def _words(
    question: Question | None, table: RowTable, allowed: Allowed, lexical: LexicalView, depth: int
) -> LexicalHits:
    """Return the best `depth` allowed slots by words: among all while most are allowed, else among those."""
    if question is None or not allowed.count:
        return LexicalHits(table.slots[:0], np.zeros(0))
    fetch = int(depth * lexical.size / allowed.count * 1.2) + 8
    if fetch <= 8 * depth:
        hits = lexical.best(question, fetch)
        rows = table.rows_of(hits.slots)
        kept = np.flatnonzero((rows >= 0) & allowed.mask[rows])[:depth]
        if len(kept) == depth or len(hits.slots) < fetch:
            return LexicalHits(hits.slots[kept], hits.scores[kept])
    return lexical.best_of(question, table.slots[np.flatnonzero(allowed.mask)], depth)


def _spread(hits: LexicalHits, table: RowTable, rows: Rows) -> Scores:
    """Return the hits' scores by row (ascending), 0 for rows that are not among them."""
    scores = np.zeros(len(rows))
    if len(rows) and len(hits.slots):
        places = np.searchsorted(rows, table.rows_of(hits.slots))
        places[places == len(rows)] = 0
        same = rows[places] == table.rows_of(hits.slots)
        scores[places[same]] = hits.scores[same]
    return scores


def _best_with_ties(fused: Scores, limit: int) -> Rows:
    kept = np.arange(len(fused))
    if len(fused) > limit:
        worst = -np.partition(-fused, limit - 1)[limit - 1]
        kept = np.flatnonzero(fused >= worst)
    return kept[np.argsort(-fused[kept], kind="stable")]
