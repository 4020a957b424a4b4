"""All workspaces of this replica: which file serves each, what is in memory, how far it is."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import Changes, Position
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.errors import (
    CollectionClosed,
    IndexBehind,
    StoreDamaged,
    StoreUnavailable,
)
from services.vector_search.domain.ports import Collection, CollectionLoader, StoreDirectory
from services.vector_search.domain.search import NOTHING, IndexStatus, SearchQuery, SearchResult
from services.vector_search.domain.workspace import Workspace

_log = logging.getLogger(__name__)

# A collection that was put out of memory under a search is found again; more often than this it is thrashing.
_ATTEMPTS = 5


class Workspaces:
    """
    Finds, loads and evicts collections, and takes what the feed brings.

    Safe to use from several threads: searches from any, `take` and `position` from the follower's.
    """

    def __init__(self, directory: StoreDirectory, loader: CollectionLoader, memory_bytes: int) -> None:
        self._directory = directory
        self._loader = loader
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._workspaces: dict[WorkspaceId, Workspace] = {}
        # Least recently used first.
        self._loaded: OrderedDict[WorkspaceId, Collection] = OrderedDict()
        self._moved = threading.Condition()
        self._losses = False
        for info in directory.existing():
            self._workspace(info.workspace_id).adopt(info)

    def positions(self) -> list[Position]:
        """Return how far every workspace is that can be served."""
        return [each.serving.position for each in list(self._workspaces.values()) if each.serving is not None]

    def position(self, head: Position) -> Position:
        """Return where to go on in the feed of the generation that `head` names."""
        return self._workspace(head.workspace_id).cursor(head.generation)

    def take(self, asked: Position, changes: Changes) -> bool:
        """
        Apply what the feed answered to `asked`; return whether the workspace is level with it now.

        A file that turns out to be damaged is dropped; the feed is then asked from its beginning.

        Raises:
            ChangesRefused: the changes break the feed's rules; nothing was applied.
            StoreUnavailable: the disk refused; nothing was applied.
        """
        workspace = self._workspace(asked.workspace_id)
        try:
            level = workspace.take(asked, changes)
        except StoreDamaged as error:
            self._lose(workspace, error)
            return False
        with self._lock:
            if workspace.collection is None:
                self._loaded.pop(asked.workspace_id, None)
        with self._moved:
            self._moved.notify_all()
        return level

    def withhold(self, workspace_id: WorkspaceId) -> None:
        """Refuse questions on a workspace until it is level again."""
        self._workspace(workspace_id).withheld = True

    def take_losses(self) -> bool:
        """Return, once, whether a file was dropped whose position had been acknowledged."""
        lost, self._losses = self._losses, False
        return lost

    def has_revision(self, workspace_id: WorkspaceId, revision: int) -> bool:
        """Return whether a workspace is at a revision, or past it."""
        return self._revision(workspace_id) >= revision

    def await_revision(self, workspace_id: WorkspaceId, revision: int, seconds: float) -> None:
        """Wait until a workspace is at a revision. Raises IndexBehind after `seconds`."""
        until = time.monotonic() + seconds
        with self._moved:
            while (present := self._revision(workspace_id)) < revision:
                if not self._moved.wait(until - time.monotonic()) and time.monotonic() >= until:
                    raise IndexBehind(
                        f"The index has revision {present} of {revision}.",
                        metadata={"revision": str(present)},
                        retry_after=1.0,
                    )

    def search_each(
        self, workspace_id: WorkspaceId, queries: Sequence[SearchQuery], deadline: Deadline
    ) -> list[SearchResult]:
        """
        Search a workspace, one result per question; one that is not known has nothing.

        Raises:
            InvalidArgument: a vector has another length than the workspace's.
            Unavailable: its index is being rebuilt, or the disk refuses.
            DeadlineExceeded: the time was over before the end.
        """
        for _ in range(_ATTEMPTS):
            collection = self._collection(workspace_id)
            if collection is None:
                return [NOTHING] * len(queries)
            try:
                return collection.search_each(queries, deadline)
            except CollectionClosed:
                continue
            except StoreDamaged as error:
                self._lose(self._workspace(workspace_id), error, collection)
            except StoreUnavailable as error:
                _log.error("workspace file not readable: %s", error)
                raise Unavailable("The index can't be read now.") from error
        raise Unavailable("The index is being rebuilt.")

    def status(self, workspace_id: WorkspaceId) -> IndexStatus:
        """Return the state of a workspace's index. Raises Unavailable as `search` does."""
        collection = self._collection(workspace_id)
        if collection is None:
            return IndexStatus(0, 0, "exact")
        return collection.status()

    def maintain(self) -> None:
        """Let every collection in memory do its long work, then keep to the memory budget."""
        with self._lock:
            loaded = list(self._loaded.items())
        for workspace_id, collection in loaded:
            try:
                collection.maintain()
            except StoreDamaged as error:
                self._lose(self._workspace(workspace_id), error, collection)
            except StoreUnavailable as error:
                _log.error("maintenance failed: %s", error)
        self._keep_to_budget()

    def load_prepared(self) -> None:
        """
        Load what a snapshot makes quick to load, the largest first, as far as the memory budget goes.

        Those are the ones whose first question would wait longest.
        """
        prepared = []
        for workspace in list(self._workspaces.values()):
            if workspace.serving is not None:
                prepared.append((self._loader.prepared_bytes(workspace.serving), workspace.workspace_id))
        room = self._memory_bytes
        for size, workspace_id in sorted(prepared, reverse=True):
            if not 0 < size <= room:
                continue
            try:
                collection = self._collection(workspace_id)
            except Unavailable:
                # Reported; what was lost is asked of the feed again.
                continue
            room -= collection.memory_bytes if collection else 0

    def close(self) -> None:
        """Put everything out of memory."""
        for workspace in list(self._workspaces.values()):
            with workspace.lock:
                workspace.close()

    def _workspace(self, workspace_id: WorkspaceId) -> Workspace:
        with self._lock:
            found = self._workspaces.get(workspace_id)
            if found is None:
                found = self._workspaces[workspace_id] = Workspace(workspace_id, self._directory)
            return found

    def _revision(self, workspace_id: WorkspaceId) -> int:
        workspace = self._workspaces.get(workspace_id)
        serving = workspace.serving if workspace else None
        return serving.revision if serving else 0

    def _collection(self, workspace_id: WorkspaceId) -> Collection | None:
        workspace = self._workspaces.get(workspace_id)
        if workspace is None:
            return None
        if workspace.withheld:
            raise Unavailable("The index is being rebuilt.")
        collection = workspace.collection
        fresh = collection is None
        if collection is None:
            collection = self._load(workspace)
        if collection is not None:
            with self._lock:
                # Only if it is still there: another thread may be putting it out.
                if workspace.collection is collection:
                    self._loaded[workspace_id] = collection
                    self._loaded.move_to_end(workspace_id)
            if fresh:
                self._keep_to_budget(workspace_id)
        return collection

    def _load(self, workspace: Workspace) -> Collection | None:
        try:
            with workspace.lock:
                if workspace.serving is None:
                    return None
                if workspace.collection is None:
                    workspace.collection = self._loader.load(self._directory.open(workspace.serving))
                collection = workspace.collection
        except StoreDamaged as error:
            self._lose(workspace, error)
            raise Unavailable("The index is being rebuilt.") from error
        except StoreUnavailable as error:
            _log.error("workspace file not readable: %s", error)
            raise Unavailable("The index can't be read now.") from error
        return collection

    def _lose(self, workspace: Workspace, error: StoreDamaged, collection: Collection | None = None) -> None:
        with workspace.lock:
            if collection is not None and workspace.collection is not collection:
                return
            _log.error("workspace file dropped, to be rebuilt from the feed: %s", error)
            workspace.drop()
            self._losses = True
        with self._lock:
            self._loaded.pop(workspace.workspace_id, None)

    def _keep_to_budget(self, wanted: WorkspaceId | None = None) -> None:
        with self._lock:
            excess = sum(each.memory_bytes for each in self._loaded.values()) - self._memory_bytes
            if excess <= 0:
                return
            oldest = [each for each in self._loaded if each != wanted]
        for workspace_id in oldest:
            if excess <= 0:
                return
            workspace = self._workspace(workspace_id)
            # Somebody who holds it is using it, and waiting here for them could be waiting for ourselves.
            if not workspace.lock.acquire(blocking=False):
                continue
            try:
                excess -= workspace.collection.memory_bytes if workspace.collection else 0
                workspace.unload()
            finally:
                workspace.lock.release()
            with self._lock:
                self._loaded.pop(workspace_id, None)
