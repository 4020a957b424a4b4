"""What callers ask of a replica."""

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.vector_search.domain.lease import Lease
from services.vector_search.domain.search import IndexStatus, SearchQuery, SearchResult
from services.vector_search.domain.workspaces import Workspaces

# Where the caller set no deadline.
_DEFAULT_SECONDS = 5.0
# What is kept of the caller's time for searching and answering.
_MARGIN_SECONDS = 0.1


class Replica:
    """Searches while it holds its lease and is level; otherwise says Unavailable."""

    def __init__(self, workspaces: Workspaces, lease: Lease) -> None:
        self._workspaces = workspaces
        self._lease = lease

    def search(
        self, workspace_id: WorkspaceId, query: SearchQuery, seconds_left: float | None
    ) -> SearchResult:
        """
        Search the caller's workspace, waiting for the revision it asks for if need be.

        Raises:
            InvalidArgument: the vector has another length than the workspace's.
            IndexBehind: the revision was not reached within the caller's time.
            Unavailable: no lease, not level, or the workspace is being rebuilt.
        """
        self._require_lease()
        if query.min_revision:
            seconds = _DEFAULT_SECONDS if seconds_left is None else seconds_left - _MARGIN_SECONDS
            self._workspaces.await_revision(workspace_id, query.min_revision, max(0.0, seconds))
        result = self._workspaces.search(workspace_id, query)
        # Waiting and loading take time, in which the lease may have ended.
        self._require_lease()
        return result

    def status(self, workspace_id: WorkspaceId) -> IndexStatus:
        """Return what this replica has of a workspace, lease or not. Raises Unavailable."""
        return self._workspaces.status(workspace_id)

    def _require_lease(self) -> None:
        if not self._lease.may_serve:
            raise Unavailable("This search replica is not level with the knowledge base.")
