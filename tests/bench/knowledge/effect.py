"""How soon searches see a change of what they filter by, and a deletion; what that costs the model."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.knowledge.installation import Base, accepted, good
from tests.bench.knowledge.pages import Pages
from tests.e2e.indexer_log import IndexerLog

_PATIENCE_SECONDS = 30.0
_WORD = "quillon"


@dataclass(frozen=True)
class Effect:
    """Milliseconds from a request until searches are as it says, and until its operation had ended."""

    active_ms: list[float]
    tags_ms: list[float]
    audience_ms: list[float]
    deletion_ms: list[float]
    receipt_ms: list[float]
    embedded: int


def measure(log: IndexerLog, base: Base, pages: Pages, times: int) -> Effect:
    """Change some documents there and back, then delete them."""
    bodies = [{**pages.note(f"{_WORD}{number}"), "title": f"{_WORD} {number}"} for number in range(times)]
    base.push(bodies)
    base.wait_searchable()
    documents = [_id_of(base, body["external_id"]) for body in bodies]
    active, tags, audience = [], [], []
    mark = log.mark()
    for each in documents:
        for wanted in (False, True):
            active.append(_visible(base, each, {"active": wanted}, {}, found=wanted))
        tags.append(_visible(base, each, {"tags": ["new"]}, {"tags": ["new"]}, found=True))
        tags.append(_visible(base, each, {"tags": []}, {"tags": ["new"]}, found=False))
        audience.append(_visible(base, each, {"audience": "authenticated"}, {}, found=False))
        audience.append(_visible(base, each, {"audience": "public"}, {}, found=True))
    embedded = sum(each.embedded for each in log.since(mark))
    gone, receipts = [], []
    for each in documents:
        began = time.perf_counter()
        operation = accepted(base.http.delete(f"/v1/knowledge/documents/{each}"))
        gone.append(_until(lambda each=each: not _finds(base, each, {}), began))  # type: ignore[misc]
        ended = base.ended(operation)
        if ended["status"] != "succeeded" or "erased_at" not in ended.get("receipt", {}):
            raise RuntimeError(f"no receipt: {ended}")
        receipts.append((time.perf_counter() - began) * 1e3)
    return Effect(active, tags, audience, gone, receipts, embedded)


def percentiles(milliseconds: Sequence[float]) -> tuple[float, float]:
    """Return p50 and p99."""
    ordered = sorted(milliseconds)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def _visible(
    base: Base, document: str, patch: dict[str, Any], filters: dict[str, Any], *, found: bool
) -> float:
    began = time.perf_counter()
    good(base.http.patch(f"/v1/knowledge/documents/{document}", json=patch))
    return _until(lambda: _finds(base, document, filters) is found, began)


def _until(condition: Callable[[], bool], began: float) -> float:
    while not condition():
        if time.perf_counter() - began > _PATIENCE_SECONDS:
            raise RuntimeError("searches do not see the change")
    return (time.perf_counter() - began) * 1e3


def _finds(base: Base, document: str, filters: dict[str, Any]) -> bool:
    results = base.search(_WORD, filters={**filters, "document_ids": [document]}, max_results=1)["results"]
    return bool(results)


def _id_of(base: Base, external_id: str) -> str:
    found = good(base.http.get("/v1/knowledge/documents", params={"external_id": external_id}))
    return str(found["items"][0]["id"])
