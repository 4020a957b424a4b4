"""What callers ask of a replica."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.errors import GoingOver, IndexBehind
from services.vector_search.domain.lease import Lease
from services.vector_search.domain.ports import PastCollections
from services.vector_search.domain.search import IndexStatus, SearchQuery, SearchResult
from services.vector_search.domain.workspaces import Workspaces

# Where the caller set no deadline.
_DEFAULT_SECONDS = 5.0
# What is kept of the caller's time for searching and answering.
_MARGIN_SECONDS = 0.1
# When to ask again where too many wait already.
_RETRY_SECONDS = 0.5


SteppingAside = Callable[[], AbstractContextManager[bool]]
"""Entered by a call that is about to wait; False: too many wait already, and this one must not."""


def _alone() -> AbstractContextManager[bool]:
    return nullcontext(True)


class Replica:
    """
    Searches while it holds its lease and is level; otherwise says Unavailable.

    Who waits for a revision steps aside, so that searches that need not wait find a thread.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        past: PastCollections,
        lease: Lease,
        stepping_aside: SteppingAside = _alone,
    ) -> None:
        self._workspaces = workspaces
        self._past = past
        self._lease = lease
        self._stepping_aside = stepping_aside

    def search(
        self, workspace_id: WorkspaceId, query: SearchQuery, seconds_left: float | None
    ) -> SearchResult:
        """Answer one question, as `search_each` does."""
        return self.search_each(workspace_id, [query], seconds_left)[0]

    def search_each(
        self, workspace_id: WorkspaceId, queries: Sequence[SearchQuery], seconds_left: float | None
    ) -> list[SearchResult]:
        """
        Search the caller's workspace, waiting for the newest revision that is asked for if need be.

        All questions as of now are answered from one generation.

        Raises:
            EmbeddingModelMismatch: a vector is of another model than the index.
            InvalidArgument: a vector has another length than the index's, or a revision is yet to come.
            RevisionNotKept: an earlier revision is not known any more.
            IndexBehind: the revision was not reached within the caller's time, or too many wait.
            Unavailable: no lease, not level, the workspace is being rebuilt, or its past is being fetched.
            DeadlineExceeded: the caller's time was over before the end.
        """
        deadline = Deadline.after(seconds_left)
        deadline.require()
        self._require_lease()
        if any(each.at_revision for each in queries):
            results = self._as_of_then(workspace_id, queries, deadline)
        else:
            results = self._as_of_now(workspace_id, queries, deadline)
        # Waiting and loading take time, in which the lease may have ended.
        self._require_lease()
        return results

    def status(self, workspace_id: WorkspaceId) -> IndexStatus:
        """Return what this replica has of a workspace, lease or not. Raises Unavailable."""
        return self._workspaces.status(workspace_id)

    def _as_of_now(
        self, workspace_id: WorkspaceId, queries: Sequence[SearchQuery], deadline: Deadline
    ) -> list[SearchResult]:
        revision = max(each.min_revision for each in queries)
        while True:
            self._await_revision(workspace_id, revision, deadline)
            try:
                return self._workspaces.search_each(workspace_id, queries, deadline)
            except GoingOver:
                # Just now: it is waited for like a revision.
                continue

    def _as_of_then(
        self, workspace_id: WorkspaceId, queries: Sequence[SearchQuery], deadline: Deadline
    ) -> list[SearchResult]:
        places: dict[int, list[int]] = {}
        for place, each in enumerate(queries):
            places.setdefault(each.at_revision, []).append(place)
        results: dict[int, SearchResult] = {}
        for revision, some in places.items():
            asked = [queries[place] for place in some]
            found = (
                self._past.search_each(workspace_id, revision, asked, deadline)
                if revision
                else self._as_of_now(workspace_id, asked, deadline)
            )
            results.update(zip(some, found, strict=True))
        return [results[place] for place in range(len(queries))]

    def _await_revision(self, workspace_id: WorkspaceId, revision: int, deadline: Deadline) -> None:
        if self._workspaces.has_revision(workspace_id, revision):
            return
        with self._stepping_aside() as may_wait:
            if not may_wait:
                raise IndexBehind("Too many callers wait for a revision.", retry_after=_RETRY_SECONDS)
            left = deadline.seconds_left()
            seconds = _DEFAULT_SECONDS if left is None else left - _MARGIN_SECONDS
            self._workspaces.await_revision(workspace_id, revision, max(0.0, seconds))

    def _require_lease(self) -> None:
        if not self._lease.may_serve:
            raise Unavailable("This search replica is not level with the knowledge base.")
