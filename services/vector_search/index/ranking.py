"""Hybrid ranking: candidates of both indexes, both scores for each, one order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.vector_search.domain.fusion import FusionWeights, fuse
from services.vector_search.domain.search import SearchQuery
from services.vector_search.domain.vectors import Scores, Slots
from services.vector_search.index.dense import Allowed, Candidates, DenseIndex
from services.vector_search.index.lexical import LexicalHits, LexicalView, Question
from services.vector_search.index.rows import Rows, RowTable

# Candidates per index, so that what one of them ranks low but both together rank high is seen.
_MIN_DEPTH = 50
# So few passages are named to the lexical index one by one; of more, what it finds among all is sieved.
_FEW = 300


@dataclass(frozen=True)
class Ranked:
    """Aligned: slots, what they rank by, cosines, BM25 scores. Best first, equal ones kept at the end."""

    slots: Slots
    fused: Scores
    dense: Scores
    lexical: Scores


def rank_each(
    queries: Sequence[SearchQuery],
    *,
    table: RowTable,
    allowed: Allowed,
    dense_index: DenseIndex,
    lexical: LexicalView,
    weights: FusionWeights,
) -> list[Ranked]:
    """
    Return for each question the best `limit` allowed passages, and more where they are equal to the last.

    With a vector there are `limit` of them wherever that many are allowed; with words alone only passages
    that share one are found. The questions share a filter; what one finds does not depend on the others.
    """
    asked = [_Asked(each, Question.of(each.text) if each.text else None) for each in queries]
    nearest = _nearest(asked, table, allowed, dense_index)
    ranked = []
    for each, candidates in zip(asked, nearest, strict=True):
        if each.query.exact:
            found = _every(each, table, allowed, lexical)
        else:
            found = _likely(each, candidates, table, allowed, lexical)
        ranked.append(_fused(each.query.limit, *found, table, weights))
    return ranked


class _Asked:
    """A question whose words were read."""

    __slots__ = ("depth", "query", "words")

    def __init__(self, query: SearchQuery, words: Question | None) -> None:
        self.query = query
        self.words = words
        # How many candidates each index is asked for.
        self.depth = query.limit if words is None else max(_MIN_DEPTH, 2 * query.limit)


_Found = tuple[Rows, Scores | None, Scores | None]


def _nearest(
    asked: Sequence[_Asked], table: RowTable, allowed: Allowed, dense_index: DenseIndex
) -> list[Candidates | None]:
    """Return the dense candidates of those that want them; questions of one depth are asked together."""
    depths: dict[int, list[int]] = {}
    for place, each in enumerate(asked):
        if each.query.vector is not None and not each.query.exact:
            depths.setdefault(each.depth, []).append(place)
    nearest: list[Candidates | None] = [None] * len(asked)
    for depth, places in depths.items():
        vectors = np.stack([asked[place].query.vector for place in places])  # type: ignore[misc]
        for place, found in zip(places, dense_index.nearest(table, vectors, depth, allowed), strict=True):
            nearest[place] = found
    return nearest


def _every(asked: _Asked, table: RowTable, allowed: Allowed, lexical: LexicalView) -> _Found:
    rows = allowed.rows
    scores = None
    if asked.words is not None:
        scores = _spread(lexical.best(asked.words, lexical.size), table, rows)
    if asked.query.vector is not None:
        return rows, table.exact_cosines(asked.query.vector, rows), scores
    if scores is None:
        return rows[:0], None, np.zeros(0)
    sharing = scores > 0
    return rows[sharing], None, scores[sharing]


def _likely(
    asked: _Asked, nearest: Candidates | None, table: RowTable, allowed: Allowed, lexical: LexicalView
) -> _Found:
    if nearest is not None and asked.words is None:
        return nearest.rows, nearest.scores, None
    words = _words(asked.words, table, allowed, lexical, asked.depth)
    if nearest is None or asked.query.vector is None or asked.words is None:
        return table.rows_of(words.slots), None, words.scores
    rows = np.union1d(nearest.rows, table.rows_of(words.slots))
    scores = _spread(words, table, rows)
    if len(words.slots) >= asked.depth:
        unscored = rows[scores == 0]
        rest = lexical.best_of(asked.words, table.slots[unscored], len(unscored))
        scores += _spread(rest, table, rows)
    return rows, table.cosines(asked.query.vector, rows), scores


def _fused(
    limit: int,
    rows: Rows,
    cosines: Scores | None,
    scores: Scores | None,
    table: RowTable,
    weights: FusionWeights,
) -> Ranked:
    zeros = np.zeros(len(rows))
    if scores is None and cosines is not None and len(rows) <= limit:
        # By meaning alone: in order already.
        return Ranked(table.slots[rows], cosines, cosines, zeros)
    fused = fuse(cosines, scores, weights) if len(rows) else zeros
    kept = _best_with_ties(fused, limit)
    return Ranked(
        table.slots[rows[kept]],
        fused[kept],
        (zeros if cosines is None else cosines)[kept],
        (zeros if scores is None else scores)[kept],
    )


def _words(
    question: Question | None, table: RowTable, allowed: Allowed, lexical: LexicalView, depth: int
) -> LexicalHits:
    """Return the best `depth` allowed slots by words: among those where they are few, else among all."""
    if question is None or not allowed.count:
        return LexicalHits(table.slots[:0], np.zeros(0))
    if allowed.count <= _FEW:
        return lexical.best_of(question, table.slots[allowed.rows], depth)
    fetch = int(depth * lexical.size / allowed.count * 1.2) + 8
    while True:
        hits = lexical.best(question, fetch)
        rows = table.rows_of(hits.slots)
        kept = np.flatnonzero((rows >= 0) & allowed.mask[rows])[:depth]
        if len(kept) == depth or len(hits.slots) < fetch:
            return LexicalHits(hits.slots[kept], hits.scores[kept])
        fetch *= 4


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
