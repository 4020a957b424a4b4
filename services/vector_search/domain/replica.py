"""What callers ask of a replica."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.errors import IndexBehind
from services.vector_search.domain.lease import Lease
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

    def __init__(self, workspaces: Workspaces, lease: Lease, stepping_aside: SteppingAside = _alone) -> None:
        self._workspaces = workspaces
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

        Raises:
            InvalidArgument: a vector has another length than the workspace's.
            IndexBehind: the revision was not reached within the caller's time, or too many wait.
            Unavailable: no lease, not level, or the workspace is being rebuilt.
            DeadlineExceeded: the caller's time was over before the end.
        """
        deadline = Deadline.after(seconds_left)
        deadline.require()
        self._require_lease()
        self._await_revision(workspace_id, max(each.min_revision for each in queries), deadline)
        results = self._workspaces.search_each(workspace_id, queries, deadline)
        # Waiting and loading take time, in which the lease may have ended.
        self._require_lease()
        return results

    def status(self, workspace_id: WorkspaceId) -> IndexStatus:
        """Return what this replica has of a workspace, lease or not. Raises Unavailable."""
        return self._workspaces.status(workspace_id)

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
