"""Workspaces as they were at earlier revisions."""

from collections.abc import Sequence

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.search import SearchQuery, SearchResult


class FakePast:
    """Has nothing at every revision; `dropped` records what it was told to forget."""

    def __init__(self) -> None:
        self.dropped: list[WorkspaceId] = []

    def search_each(
        self, workspace_id: WorkspaceId, revision: int, queries: Sequence[SearchQuery], deadline: Deadline
    ) -> list[SearchResult]:
        """Find nothing."""
        return [SearchResult(revision)] * len(queries)

    def drop(self, workspace_id: WorkspaceId) -> None:
        """Note it."""
        self.dropped.append(workspace_id)
