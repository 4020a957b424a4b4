"""Hybrid ranking: what is left unscored would not have changed the result."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.vector_search.domain.fusion import FusionWeights, fuse
from services.vector_search.domain.search import SearchQuery
from services.vector_search.index.dense import Allowed
from services.vector_search.index.exact import ExactIndex
from services.vector_search.index.lexical import LexicalView, Question
from services.vector_search.index.lexical_index import LexicalIndex
from services.vector_search.index.ranking import Ranked, rank_each
from services.vector_search.index.rows import RowTable
from tests.fakes.vector_search_data import DIMENSIONS, a_question, a_vector

WORDS = ("router", "invoice", "password", "refund")
# How many each index is asked for, as long as the limit is small.
BY_MEANING, BY_WORDS = 20, 50
LIMIT = 10

# Few vectors and few texts, so that most passages are equal to some other in meaning, words or both.
passages = st.tuples(st.integers(0, 12), st.lists(st.sampled_from(WORDS), max_size=6))
parts = st.integers(0, 4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(passages, min_size=90, max_size=140),
    st.integers(0, 12),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True),
    st.tuples(parts, parts).filter(any),
    st.booleans(),
)
def test_as_if_every_candidate_were_scored(
    stored: list[tuple[int, list[str]]],
    seed: int,
    words: list[str],
    parts: tuple[int, int],
    half: bool,
) -> None:
    """The result is that of both scores for all candidates of both indexes, and each hit has its own two."""
    table = RowTable(DIMENSIONS)
    slots = np.arange(1, 2 * len(stored), 2)
    vectors = np.stack([a_vector(each) for each, _ in stored])
    table.append(slots, np.zeros(len(stored), dtype=np.int32), vectors)
    texts = [" ".join(text) for _, text in stored]
    view = LexicalIndex().update(slots[:0], zip(slots.tolist(), texts, strict=True))
    mask = np.ones(len(stored), dtype=np.bool_)
    mask[1::2] = not half
    query = a_question(a_vector(seed), " ".join(words), LIMIT)
    weights = FusionWeights(*parts)

    ranked = _ranked(query, table, mask, view, weights)
    expected = _by_scoring_all(query, table, mask, view, weights)

    fused = [score for score, *_ in expected.values()]
    best = sorted(fused, reverse=True)[:LIMIT]
    assert ranked.fused[:LIMIT] == pytest.approx(best, abs=1e-6)
    assert len(set(ranked.slots)) == len(ranked.slots) >= min(LIMIT, len(expected))
    for place, slot in enumerate(ranked.slots):
        scores = ranked.fused[place], ranked.dense[place], ranked.lexical[place]
        assert scores == pytest.approx(expected[slot], abs=1e-5)


def _ranked(
    query: SearchQuery, table: RowTable, mask: np.ndarray, view: LexicalView, weights: FusionWeights
) -> Ranked:
    (ranked,) = rank_each(
        [query],
        table=table,
        allowed=Allowed(mask),
        dense_index=ExactIndex(),
        lexical=view,
        weights=weights,
    )
    return ranked


def _by_scoring_all(
    query: SearchQuery, table: RowTable, mask: np.ndarray, view: LexicalView, weights: FusionWeights
) -> dict[int, tuple[float, float, float]]:
    """Return of every candidate the fused score, the cosine and BM25, by slot."""
    question = Question.of(query.text)
    assert question is not None
    assert query.vector is not None
    hits = view.best(question, view.size)
    lexical = dict(zip(hits.slots.tolist(), hits.scores.tolist(), strict=True))
    (near,) = ExactIndex().nearest(table, query.vector[np.newaxis], BY_MEANING, Allowed(mask))
    allowed = set(table.slots[mask].tolist())
    named = [slot for slot in hits.slots.tolist() if slot in allowed][:BY_WORDS]
    slots = np.array(sorted({*table.slots[near.rows].tolist(), *named}))
    cosines = table.cosines(query.vector, table.rows_of(slots))
    scores = np.array([lexical.get(slot, 0.0) for slot in slots.tolist()])
    fused = fuse(cosines, scores, weights)
    return dict(
        zip(slots.tolist(), zip(fused.tolist(), cosines.tolist(), scores.tolist(), strict=True), strict=True)
    )
