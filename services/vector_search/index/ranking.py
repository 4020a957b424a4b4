"""Hybrid ranking: candidates of both indexes, both scores for each, one order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.vector_search.domain.fusion import FusionWeights, fuse
from services.vector_search.domain.search import SearchQuery
from services.vector_search.domain.vectors import FloatMatrix, FloatVector, Scores, Slots
from services.vector_search.index.dense import Allowed, Candidates, DenseIndex
from services.vector_search.index.lexical import LexicalView, Question
from services.vector_search.index.rows import Rows, RowTable

# Candidates per index, so that what one of them ranks low but both together rank high is seen. Of those by
# words more, since each comes with its score as a rule; the graph finds about as many as it is asked for.
_MIN_NEAR = 20
_MIN_BY_WORDS = 50
# So few passages are named to the lexical index one by one; of more, what it finds among all is sieved.
_FEW = 300
# By so much the lexical index's scores may differ between its two ways of summing, in single precision.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Ranked:
    """Aligned: slots, what they rank by, cosines, BM25 scores. Best first, equal ones kept at the end."""

    slots: list[int]
    fused: list[float]
    dense: list[float]
    lexical: list[float]

    def at(self, places: Sequence[int]) -> "Ranked":
        """Return those at some places, in their order."""
        columns = (self.slots, self.fused, self.dense, self.lexical)
        return Ranked(*([column[place] for place in places] for column in columns))  # type: ignore[arg-type]


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
    by_meaning = _by_meaning_alone(queries, table, allowed, dense_index)
    if by_meaning is not None:
        return by_meaning
    asked = [_Asked(each, Question.of(each.text) if each.text else None) for each in queries]
    nearest = _nearest(asked, table, allowed, dense_index)
    ranked = []
    for each, candidates in zip(asked, nearest, strict=True):
        if each.query.exact:
            found = _every(each, table, allowed, lexical)
        else:
            found = _likely(each, candidates, table, allowed, lexical, weights)
        ranked.append(_fused(each.query.limit, *found, table, weights))
    return ranked


def _by_meaning_alone(
    queries: Sequence[SearchQuery], table: RowTable, allowed: Allowed, dense_index: DenseIndex
) -> list[Ranked] | None:
    """Return the answers where all questions are of that kind and alike, and the index has a shorter way."""
    limit = queries[0].limit
    if any(each.text or each.exact or each.vector is None or each.limit != limit for each in queries):
        return None
    found = dense_index.leading(table, _stacked([each.vector for each in queries]), limit, allowed)
    if found is None:
        return None
    return [Ranked(slots, cosines, cosines, [0.0] * len(slots)) for slots, cosines in found]


class _Asked:
    """A question whose words were read."""

    __slots__ = ("depth", "query", "words")

    def __init__(self, query: SearchQuery, words: Question | None) -> None:
        self.query = query
        self.words = words
        # How many candidates the dense index is asked for.
        self.depth = query.limit if words is None else max(_MIN_NEAR, 2 * query.limit)


_Found = tuple[Rows, Scores | None, Scores | None]
_NO_ROWS: Rows = np.empty(0, dtype=np.intp)
_NO_SCORES: Scores = np.empty(0)


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
        vectors = _stacked([asked[place].query.vector for place in places])
        for place, found in zip(places, dense_index.nearest(table, vectors, depth, allowed), strict=True):
            nearest[place] = found
    return nearest


def _stacked(vectors: Sequence[FloatVector | None]) -> FloatMatrix:
    """Return vectors, all of which are there, as rows."""
    return vectors[0][np.newaxis] if len(vectors) == 1 else np.stack(vectors)  # type: ignore[index,arg-type]


def _every(asked: _Asked, table: RowTable, allowed: Allowed, lexical: LexicalView) -> _Found:
    rows = allowed.rows
    scores = None
    if asked.words is not None:
        scores = _every_score(asked.words, table, lexical)[rows]
    if asked.query.vector is not None:
        return rows, table.exact_cosines(asked.query.vector, rows), scores
    if scores is None:
        return rows[:0], None, np.zeros(0)
    sharing = scores > 0
    return rows[sharing], None, scores[sharing]


def _every_score(words: Question, table: RowTable, lexical: LexicalView) -> Scores:
    """Return the BM25 score of each row."""
    hits = lexical.best(words, lexical.size)
    rows = table.rows_of(hits.slots)
    scores = np.zeros(table.size)
    scores[rows[rows >= 0]] = hits.scores[rows >= 0]
    return scores


def _likely(
    asked: _Asked,
    nearest: Candidates | None,
    table: RowTable,
    allowed: Allowed,
    lexical: LexicalView,
    weights: FusionWeights,
) -> _Found:
    vector, words = asked.query.vector, asked.words
    if words is None:
        return (_NO_ROWS, None, _NO_SCORES) if nearest is None else (nearest.rows, nearest.scores, None)
    if nearest is None or vector is None:
        by_words = _by_words(words, table, allowed, lexical, max(_MIN_BY_WORDS, asked.depth))
        return by_words.rows, None, by_words.scores
    rarer = lexical.narrowed(words) if allowed.count > _FEW else words
    # Where each candidate's score is looked up by itself, fewer must do.
    depth = max(_MIN_BY_WORDS, asked.depth) if rarer is words else asked.depth
    by_words = _by_words(rarer, table, allowed, lexical, depth)
    rows, cosines = _joined(vector, nearest, by_words.rows, table)
    if rarer is not words:
        return rows, cosines, lexical.scores_of(words, table.slots[rows])
    known = dict(zip(by_words.rows.tolist(), by_words.scores.tolist(), strict=True))
    scores = np.array([known.get(row, 0.0) for row in rows.tolist()])
    if len(known) == depth:
        most = float(by_words.scores[-1]) * (1 + _ROUNDING)
        unknown = _contenders(asked.query.limit, cosines, scores, most, weights)
        scores[unknown] = lexical.scores_of(words, table.slots[rows[unknown]])
    return rows, cosines, scores


def _joined(vector: FloatVector, nearest: Candidates, by_words: Rows, table: RowTable) -> tuple[Rows, Scores]:
    """Return the rows that either index found, each once, and their cosines."""
    near = set(nearest.rows.tolist())
    further = np.array([row for row in by_words.tolist() if row not in near], dtype=np.intp)
    cosines = table.cosines(vector, further)
    return np.concatenate((nearest.rows, further)), np.concatenate((nearest.scores, cosines))


def _contenders(limit: int, cosines: Scores, scores: Scores, most: float, weights: FusionWeights) -> Rows:
    """
    Return the places of those without a BM25 score (0) that can be among the best `limit` once they have it.

    It is `most` at the most. Even with that, all others rank behind `limit` candidates as they stand.
    """
    unscored = scores == 0
    if len(scores) <= limit:
        return np.flatnonzero(unscored)
    fused = fuse(cosines, scores, weights)
    least = np.partition(fused, -limit)[-limit]
    return np.flatnonzero(unscored & (fuse(cosines, np.where(unscored, most, scores), weights) >= least))


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
        return _listed(table.slots[rows], cosines, cosines, zeros)
    fused = fuse(cosines, scores, weights) if len(rows) else zeros
    kept = _best_with_ties(fused, limit)
    return _listed(
        table.slots[rows[kept]],
        fused[kept],
        (zeros if cosines is None else cosines)[kept],
        (zeros if scores is None else scores)[kept],
    )


def _listed(slots: Slots, fused: Scores, dense: Scores, lexical: Scores) -> Ranked:
    return Ranked(slots.tolist(), fused.tolist(), dense.tolist(), lexical.tolist())


def _by_words(
    words: Question, table: RowTable, allowed: Allowed, lexical: LexicalView, depth: int
) -> Candidates:
    """Return the best `depth` allowed rows by words: among those where they are few, else among all."""
    if not allowed.count:
        return Candidates(_NO_ROWS, _NO_SCORES)
    if allowed.count <= _FEW:
        hits = lexical.best_of(words, table.slots[allowed.rows], depth)
        return Candidates(table.rows_of(hits.slots), hits.scores)
    everything = allowed.count == table.size == lexical.size
    fetch = depth if everything else int(depth * lexical.size / allowed.count * 1.2) + 8
    while True:
        hits = lexical.best(words, fetch)
        rows = table.rows_of(hits.slots)
        if everything:
            return Candidates(rows, hits.scores)
        kept = np.flatnonzero((rows >= 0) & allowed.mask[rows])[:depth]
        if len(kept) == depth or len(rows) < fetch:
            return Candidates(rows[kept], hits.scores[kept])
        fetch *= 4


def _best_with_ties(fused: Scores, limit: int) -> Rows:
    kept = np.arange(len(fused))
    if len(fused) > limit:
        worst = -np.partition(-fused, limit - 1)[limit - 1]
        kept = np.flatnonzero(fused >= worst)
    return kept[np.argsort(-fused[kept], kind="stable")]
