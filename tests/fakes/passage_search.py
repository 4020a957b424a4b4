"""A search over passages in memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import repeat

from services.kernel.caller import Caller
from services.kernel.errors import DomainError, InvalidArgument, Violation
from services.kernel.ids import WorkspaceId
from services.query.domain.errors import RevisionNotKept
from services.query.domain.passage import CUSTOM_ANSWER, Found, Passage
from services.query.domain.ports import OtherModel, SearchQuery
from services.query.domain.text.words import terms
from tests.fakes.embedder import FakeEmbedder

REVISION = 7


class FakePassageSearch:
    """
    Keeps the passages of each workspace; scores by the vector and by shared words.

    `queries` records what was asked. Set `failure` to let every search raise it, `embedder` for an index of
    another model. Each question takes the next of `generations`; the past is what `remember` was told.
    """

    def __init__(self) -> None:
        self._passages: dict[WorkspaceId, list[Passage]] = {}
        self._tags: dict[str, frozenset[str]] = {}
        self._past: dict[int, list[Passage]] = {}
        self.embedder = FakeEmbedder()
        self.generations: Iterator[int] = repeat(1)
        self.queries: list[SearchQuery] = []
        self.failure: DomainError | None = None

    def add(self, workspace_id: WorkspaceId, passages: Iterable[Passage], tags: Iterable[str] = ()) -> None:
        """Make passages findable in a workspace."""
        for passage in passages:
            self._passages.setdefault(workspace_id, []).append(passage)
            self._tags[passage.document_id] = frozenset(tags)

    def remember(self, revision: int, passages: Iterable[Passage]) -> None:
        """Make passages findable as of an earlier revision."""
        self._past[revision] = list(passages)

    def search_each(self, caller: Caller, queries: Sequence[SearchQuery], limit: int) -> list[Found]:
        """Return at most `limit` passages of the caller's workspace, best first, for each question."""
        self.queries += queries
        if self.failure is not None:
            raise self.failure
        return [self._found(caller, query, limit) for query in queries]

    def _found(self, caller: Caller, query: SearchQuery, limit: int) -> Found:
        passages, revision = self._passages.get(caller.workspace_id, []), REVISION
        if query.as_of is not None:
            passages, revision = self._at(query.as_of), query.as_of
        if query.model != self.embedder.model:
            raise OtherModel(self.embedder.model)
        scored = [self._scored(passage, query) for passage in passages if self._fits(passage, query)]
        scored.sort(key=lambda each: -each.score)
        return Found(tuple(scored[:limit]), revision, next(self.generations))

    def _at(self, revision: int) -> list[Passage]:
        if revision > REVISION:
            raise InvalidArgument.of([Violation("/knowledge_revision", "is yet to come")])
        if revision not in self._past:
            raise RevisionNotKept("It is not kept any more.")
        return self._past[revision]

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
        return float(self.embedder.embed_query(text) @ query.vector)
