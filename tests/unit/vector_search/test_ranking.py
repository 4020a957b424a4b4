"""Hybrid ranking where a question has words that very many passages have."""

import numpy as np
import pytest

from services.vector_search.domain.fusion import FusionWeights
from services.vector_search.index.dense import Allowed
from services.vector_search.index.exact import ExactIndex
from services.vector_search.index.lexical import LexicalView, Question
from services.vector_search.index.lexical_index import LexicalIndex
from services.vector_search.index.ranking import Ranked, rank_each
from services.vector_search.index.rows import Mask, RowTable
from tests.fakes.vector_search_data import DIMENSIONS, a_question, unit_rows

SIZE = 12_000
# Words decide, so that what they found is among the hits.
WEIGHTS = FusionWeights(1, 9)


@pytest.fixture(scope="module")
def table() -> RowTable:
    """Return passages with random vectors."""
    table = RowTable(DIMENSIONS)
    table.append(np.arange(SIZE), np.zeros(SIZE, dtype=np.int32), unit_rows(1, SIZE))
    return table


@pytest.fixture(scope="module")
def view() -> LexicalView:
    """Return their words: three frequent ones in most, each number in one."""
    texts = ((n, "help" + " page" * (n % 6) + " order" * (n % 8 > 1) + f" number{n}") for n in range(SIZE))
    return LexicalIndex().update(np.empty(0, dtype=np.int64), texts)


def rank(table: RowTable, view: LexicalView, near: int, text: str, mask: Mask | None = None) -> Ranked:
    """Return the ranking for the vector of a passage and words."""
    (ranked,) = rank_each(
        [a_question(table.vectors[near], text)],
        table=table,
        allowed=Allowed(np.ones(SIZE, dtype=np.bool_) if mask is None else mask),
        dense_index=ExactIndex(),
        lexical=view,
        weights=WEIGHTS,
    )
    return ranked


@pytest.fixture(params=[None, 2, 30, 60])
def mask(request: pytest.FixtureRequest) -> Mask | None:
    """Return a filter that lets everything through, or every so-manieth."""
    return None if request.param is None else np.arange(SIZE) % request.param == 0


def test_every_hit_has_its_whole_score(table: RowTable, view: LexicalView, mask: Mask | None) -> None:
    """Also where the frequent words of the question did not look for candidates."""
    text = "help page order number60 number120 number180"
    question = Question.of(text)
    assert question is not None
    assert view.narrowed(question) is not question
    hits = view.best(question, SIZE)
    scores = dict(zip(hits.slots.tolist(), hits.scores.tolist(), strict=True))
    ranked = rank(table, view, 240, text, mask)
    slots = ranked.slots
    assert len(slots) == 10
    assert {60, 120, 180} <= set(slots)
    assert ranked.lexical == pytest.approx([scores[slot] for slot in slots])
    assert ranked.dense == table.cosines(table.vectors[240], np.array(ranked.slots)).tolist()
    shares = np.array(ranked.lexical) / max(ranked.lexical)
    assert ranked.fused == pytest.approx((np.array(ranked.dense) + 9 * shares) / 10)
    assert ranked.fused == sorted(ranked.fused, reverse=True)
