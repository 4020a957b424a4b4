"""All workspaces of this replica: what serves each, what is in memory, how far it is."""

import logging
import threading
import time
from collections.abc import Sequence

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import (
    Acknowledgement,
    Changes,
    Cursor,
    GenerationId,
    Position,
    SyncAnswer,
)
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.errors import (
    CollectionClosed,
    GoingOver,
    IndexBehind,
    StoreDamaged,
    StoreUnavailable,
)
from services.vector_search.domain.generation import Generation
from services.vector_search.domain.lease import MonotonicClock
from services.vector_search.domain.loaded import LoadedCollections
from services.vector_search.domain.ports import CollectionLoader, StoreDirectory
from services.vector_search.domain.search import NOTHING, IndexStatus, SearchQuery, SearchResult
from services.vector_search.domain.switch_time import SwitchTime
from services.vector_search.domain.workspace import Workspace

_log = logging.getLogger(__name__)

# A collection that was put out of memory under a search is found again; more often than this it is thrashing.
_ATTEMPTS = 5


class Workspaces:
    """
    Finds, loads and evicts collections, and takes what the feed brings.

    Safe to use from several threads: searches from any, `maintain` and `load_prepared` from one, the others
    from the follower's.
    """

    def __init__(
        self, directory: StoreDirectory, loader: CollectionLoader, memory_bytes: int, clock: MonotonicClock
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        self._workspaces: dict[WorkspaceId, Workspace] = {}
        self._loaded = LoadedCollections(directory, loader, memory_bytes)
        self._moved = threading.Condition()
        for info in directory.existing():
            self._workspace(info.workspace_id).adopt(info)

    # What the feed tells and is told.

    def positions(self) -> list[Acknowledgement]:
        """Return how far everything is that can be served; nothing where it is not known which serves."""
        return [each for workspace in self._all() for each in workspace.acknowledgements()]

    def cursor(self, generation_id: GenerationId) -> Cursor:
        """Return where to go on in the feed of a generation."""
        return self._generation(generation_id).cursor()

    def doubt(self) -> None:
        """Forget what the feed said of generations: after a start or a gap, switches may have been missed."""
        for workspace in self._all():
            workspace.doubt()

    def announce(self, answer: SyncAnswer, sent_at: float, received_at: float) -> None:
        """Learn when switches are to be, before the lease is prolonged beyond them."""
        for each in answer.switches:
            told = SwitchTime.told(each.after_seconds, sent_at, received_at)
            self._workspace(each.generation_id.workspace_id).announce(each.generation_id.generation, told)

    def arrange(self, answer: SyncAnswer) -> None:
        """Learn which generations serve and which are being made; what is neither is dropped."""
        switching = {each.generation_id.workspace_id for each in answer.switches}
        serving = {
            each.position.workspace_id: each.position.generation for each in answer.behind if not each.is_next
        }
        made = {each.workspace_id: each.generation for each in answer.next}
        unsettled = {each.id for each in self._all() if not each.is_settled}
        for name in unsettled | serving.keys():
            workspace = self._workspace(name)
            workspace.arrange(serving.get(name), made.get(name), switching=name in switching)

    def follows(self, generation_id: GenerationId) -> bool:
        """Return whether changes of a generation are wanted."""
        return self._workspace(generation_id.workspace_id).follows(generation_id.generation)

    @property
    def is_switching(self) -> bool:
        """Whether a switch is to come."""
        return any(each.is_switching for each in self._all())

    def take(self, asked: Position, changes: Changes) -> bool:
        """
        Apply what the feed answered to `asked`; return whether the generation is level with it now.

        A file that turns out to be damaged is dropped; the feed is then asked from its beginning.

        Raises:
            ChangesRefused: the changes break the feed's rules; nothing was applied.
            StoreUnavailable: the disk refused; nothing was applied.
        """
        generation = self._generation(asked.generation_id)
        try:
            level = generation.take(asked, changes)
        except StoreDamaged as error:
            self._loaded.lose(generation, error)
            return False
        self._loaded.gone(generation)
        with self._moved:
            self._moved.notify_all()
        return level

    def withhold(self, generation_id: GenerationId) -> None:
        """Refuse questions on a generation until it is level again."""
        self._generation(generation_id).withheld = True

    def take_losses(self) -> bool:
        """Return, once, whether a file was dropped whose position had been acknowledged."""
        return self._loaded.take_losses()

    # Questions.

    def has_revision(self, workspace_id: WorkspaceId, revision: int) -> bool:
        """Return whether a workspace has a revision, and is not just going over to another generation."""
        try:
            generation = self._served(workspace_id)
        except GoingOver:
            return False
        return (generation.revision if generation else 0) >= revision

    def await_revision(self, workspace_id: WorkspaceId, revision: int, seconds: float) -> None:
        """
        Wait until a workspace has a revision, and is not just going over to another generation.

        Raises:
            IndexBehind: it did not come about within `seconds`.
        """
        until = time.monotonic() + seconds
        with self._moved:
            while not self.has_revision(workspace_id, revision):
                left = until - time.monotonic()
                if left <= 0:
                    raise self._behind(workspace_id, revision)
                workspace = self._workspaces.get(workspace_id)
                switch = workspace.switch_seconds() if workspace else None
                self._moved.wait(left if switch is None or switch <= 0 else min(left, switch))

    def search_each(
        self, workspace_id: WorkspaceId, queries: Sequence[SearchQuery], deadline: Deadline
    ) -> list[SearchResult]:
        """
        Search a workspace, one result per question; one that is not known has nothing.

        Raises:
            EmbeddingModelMismatch: a vector is of another model than the workspace's.
            InvalidArgument: a vector has another length than the workspace's.
            GoingOver: wait until it has its revision, and ask again.
            Unavailable: its index is being rebuilt, or the disk refuses.
            DeadlineExceeded: the time was over before the end.
        """
        for _ in range(_ATTEMPTS):
            generation = self._served(workspace_id)
            try:
                collection = None if generation is None else self._loaded.get(generation)
                if generation is None or collection is None:
                    return [NOTHING] * len(queries)
                model = collection.info.model
                for each in queries:
                    each.require_model(model)
                return collection.search_each(queries, deadline)
            except CollectionClosed:
                continue
            except StoreDamaged as error:
                assert generation is not None, "what is not there can't be damaged"
                self._loaded.lose(generation, error, collection)
            except StoreUnavailable as error:
                _log.error("workspace file not readable: %s", error)
                raise Unavailable("The index can't be read now.") from error
        raise Unavailable("The index is being rebuilt.")

    def status(self, workspace_id: WorkspaceId) -> IndexStatus:
        """Return the state of a workspace's index. Raises Unavailable."""
        for _ in range(_ATTEMPTS):
            workspace = self._workspaces.get(workspace_id)
            generation = workspace.serving if workspace else None
            try:
                collection = None if generation is None else self._loaded.get(generation)
            except CollectionClosed:
                continue
            return IndexStatus(0, 0, "exact") if collection is None else collection.status()
        raise Unavailable("The index is being rebuilt.")

    # What takes its time.

    def maintain(self) -> None:
        """Delete what was dropped, let collections do their long work, erase, hold ready what serves next."""
        for workspace in self._all():
            for generation in workspace.dropped:
                with generation.lock:
                    generation.drop()
                workspace.forget(generation)
                self._loaded.gone(generation)
        self._loaded.maintain()
        for workspace in self._all():
            self._make_ready(workspace)

    def erase(self) -> None:
        """Take what was deleted or replaced out of all files, as far as it is time. It may take its time."""
        for workspace in self._all():
            for generation in workspace.generations:
                erased = generation.erased_revision
                if erased is None or erased >= generation.revision:
                    continue
                collection = generation.collection
                try:
                    generation.erase()
                except CollectionClosed:
                    continue
                except StoreDamaged as error:
                    self._loaded.lose(generation, error, collection)
                except StoreUnavailable as error:
                    _log.info("workspace file not erased yet: %s", error)

    def load_prepared(self) -> None:
        """Load what a snapshot makes quick to load, as far as the memory budget goes."""
        self._loaded.load_ahead([each for workspace in self._all() for each in workspace.generations])

    def close(self) -> None:
        """Put everything out of memory."""
        for workspace in self._all():
            for each in (*workspace.generations, *workspace.dropped):
                with each.lock:
                    each.close()

    def _make_ready(self, workspace: Workspace) -> None:
        serving = workspace.serving
        if serving is None:
            return
        for each in workspace.generations:
            if each is not serving:
                self._loaded.make_ready(each, serving, soon=workspace.is_switching)

    def _all(self) -> list[Workspace]:
        return list(self._workspaces.values())

    def _workspace(self, workspace_id: WorkspaceId) -> Workspace:
        with self._lock:
            found = self._workspaces.get(workspace_id)
            if found is None:
                found = self._workspaces[workspace_id] = Workspace(workspace_id, self._directory, self._clock)
            return found

    def _generation(self, generation_id: GenerationId) -> Generation:
        return self._workspace(generation_id.workspace_id).generation(generation_id.generation)

    def _served(self, workspace_id: WorkspaceId) -> Generation | None:
        workspace = self._workspaces.get(workspace_id)
        return None if workspace is None else workspace.served()

    def _revision(self, workspace_id: WorkspaceId) -> int:
        generation = self._served(workspace_id)
        return 0 if generation is None else generation.revision

    def _behind(self, workspace_id: WorkspaceId, revision: int) -> IndexBehind:
        try:
            present = self._revision(workspace_id)
        except GoingOver:
            return IndexBehind("The index is going over to another one.", retry_after=1.0)
        return IndexBehind(
            f"The index has revision {present} of {revision}.",
            metadata={"revision": str(present)},
            retry_after=1.0,
        )
