"""From what was ranked to hits with their payload."""

from collections.abc import Mapping, Sequence

from services.vector_search.domain.fusion import shown
from services.vector_search.domain.passages import Passage
from services.vector_search.domain.ports import PassageStore
from services.vector_search.domain.search import Hit
from services.vector_search.index.payload_cache import PayloadCache
from services.vector_search.index.ranking import Ranked


def read_hits(
    store: PassageStore, payloads: PayloadCache, ranked: Sequence[Ranked], limits: Sequence[int]
) -> list[tuple[Hit, ...]]:
    """
    Return the hits of each question, at most its limit, equal ones in order of their ids.

    The payloads of all questions are read at once. Raises StoreDamaged or StoreUnavailable.
    """
    kept = [_places(store, each, limit) for each, limit in zip(ranked, limits, strict=True)]
    slots = [each.slots.tolist() for each in ranked]
    wanted = {slots[number][place] for number, places in enumerate(kept) for place in places}
    passages = payloads.passages(list(wanted))
    return [_hits(*each, passages) for each in zip(ranked, slots, kept, strict=True)]


def _places(store: PassageStore, ranked: Ranked, limit: int) -> Sequence[int]:
    """Return which of the ranked are shown; of those equal to the last the lower ids."""
    places = range(len(ranked.slots))
    if len(places) <= limit:
        return places
    ids = store.chunk_ids(ranked.slots.tolist())
    return sorted(places, key=lambda place: (-ranked.fused[place], ids[int(ranked.slots[place])]))[:limit]


def _hits(
    ranked: Ranked, slots: Sequence[int], places: Sequence[int], passages: Mapping[int, Passage]
) -> tuple[Hit, ...]:
    fused, dense, lexical = ranked.fused.tolist(), ranked.dense.tolist(), ranked.lexical.tolist()
    hits = [(-fused[place], passages[slots[place]].chunk_id, place) for place in places]
    hits.sort()
    return tuple(
        Hit(
            passages[slots[place]],
            score=shown(fused[place]),
            dense=max(-1.0, min(1.0, dense[place])),
            lexical=lexical[place],
        )
        for _, _, place in hits
    )
