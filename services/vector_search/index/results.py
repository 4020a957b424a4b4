"""From what was ranked to answers with their payload."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from operator import le

from services.vector_search.domain.fusion import shown
from services.vector_search.domain.search import SearchQuery, SearchResult
from services.vector_search.index.payload_cache import PassageReader, PayloadCache
from services.vector_search.index.ranking import Ranked
from services.vector_search.index.unit_cosines import unit_cosines


def read_results(
    store: PassageReader,
    payloads: PayloadCache,
    ranked: Sequence[Ranked],
    queries: Sequence[SearchQuery],
    revision: int,
    generation: int,
) -> list[SearchResult]:
    """
    Return the answer to each question, at most its limit, equal ones in order of their ids.

    The payloads of all questions are read at once, units for each question that asks for them.

    Raises:
        StoreDamaged, StoreUnavailable: the payload can't be read.
    """
    ordered = [_ordered(store, each, query.limit) for each, query in zip(ranked, queries, strict=True)]
    passages = payloads.passages([slot for each in ordered for slot in each.slots])
    results = [
        SearchResult(
            revision,
            [passages[slot] for slot in each.slots],
            _shown(each.fused),
            _cosines(each.dense),
            each.lexical,
            generation=generation,
        )
        for each in ordered
    ]
    if any(each.with_units for each in queries):
        return list(map(partial(_with_units, store), queries, ordered, results))
    return results


def _with_units(
    store: PassageReader, query: SearchQuery, ranked: Ranked, result: SearchResult
) -> SearchResult:
    """Return a result with its units and their cosines, where the question asks for them."""
    if not query.with_units or not ranked.slots:
        return result
    found = store.units(ranked.slots)
    units = [found[slot] for slot in ranked.slots]
    cosines = [] if query.vector is None else unit_cosines(query.vector, units)
    return replace(result, units=[each.encoded for each in units], unit_cosines=cosines)


def _ordered(store: PassageReader, ranked: Ranked, limit: int) -> Ranked:
    # As a rule they are in order and no two are equal; then there are no more than asked for.
    if not any(map(le, ranked.fused, islice(ranked.fused, 1, None))):
        return ranked
    ids = store.chunk_ids(ranked.slots)
    places = sorted(range(len(ranked.slots)), key=lambda n: (-ranked.fused[n], ids[ranked.slots[n]]))
    return ranked.at(places[:limit])


def _shown(fused: Sequence[float]) -> Sequence[float]:
    """Return scores, best first, as callers see them."""
    return fused if not fused or (fused[0] <= 1.0 and fused[-1] >= 0.0) else list(map(shown, fused))


def _cosines(dense: Sequence[float]) -> Sequence[float]:
    """Return cosines without what rounding added beyond 1."""
    if not dense or (max(dense) <= 1.0 and min(dense) >= -1.0):
        return dense
    return [min(1.0, max(-1.0, each)) for each in dense]
