"""A search over passages in memory."""

from collections.abc import Iterable
from dataclasses import replace

from services.kernel.caller import Caller
from services.kernel.errors import DomainError
from services.kernel.ids import WorkspaceId
from services.query.domain.passage import CUSTOM_ANSWER, Found, Passage
from services.query.domain.ports import SearchQuery
from services.query.domain.text.words import terms
from tests.fakes.embedder import FakeEmbedder

REVISION = 7


class FakePassageSearch:
    """
    Keeps the passages of each workspace; scores by the vector and by shared words.

    `queries` records what was asked. Set `failure` to let every search raise it.
    """

    def __init__(self) -> None:
        self._passages: dict[WorkspaceId, list[Passage]] = {}
        self._tags: dict[str, frozenset[str]] = {}
        self._embedder = FakeEmbedder()
        self.queries: list[SearchQuery] = []
        self.failure: DomainError | None = None

    def add(self, workspace_id: WorkspaceId, passages: Iterable[Passage], tags: Iterable[str] = ()) -> None:
        """Make passages findable in a workspace."""
        for passage in passages:
            self._passages.setdefault(workspace_id, []).append(passage)
            self._tags[passage.document_id] = frozenset(tags)

    def search(self, caller: Caller, query: SearchQuery, limit: int) -> Found:
        """Return at most `limit` passages of the caller's workspace, best first."""
        self.queries.append(query)
        if self.failure is not None:
            raise self.failure
        scored = [
            self._scored(passage, query)
            for passage in self._passages.get(caller.workspace_id, [])
            if self._fits(passage, query)
        ]
        scored.sort(key=lambda each: -each.score)
        return Found(tuple(scored[:limit]), REVISION)

    def _fits(self, passage: Passage, query: SearchQuery) -> bool:
        filters = query.filters
        return (not filters.tags or bool(self._tags[passage.document_id] & set(filters.tags))) and (
            not filters.document_ids or passage.document_id in filters.document_ids
        )

    def _scored(self, passage: Passage, query: SearchQuery) -> Passage:
        whole = " ".join((passage.title, *passage.heading_path, passage.text))
        if passage.kind == CUSTOM_ANSWER:
            whole = passage.heading_path[-1]
        dense = self._cosine(whole, query)
        cosines = tuple(self._cosine(passage.text[each.start : each.end], query) for each in passage.units)
        asked = set(terms(query.text))
        shared = len(asked & set(terms(whole))) / len(asked) if asked else 0.0
        score = 0.7 * max(0.0, dense) + 0.3 * shared
        return replace(passage, score=score, dense=dense, lexical=10 * shared, cosines=cosines)

    def _cosine(self, text: str, query: SearchQuery) -> float:
        return float(self._embedder.embed_query(text) @ query.vector)
