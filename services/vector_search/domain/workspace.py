"""One workspace on this replica: the file that serves and the file that is being built."""

import logging
import threading

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import Changes, Position
from services.vector_search.domain.errors import ChangesRefused, StoreDamaged
from services.vector_search.domain.ports import Collection, PassageStore, StoreDirectory, StoreInfo

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 1.0


class Workspace:
    """
    Applies changes to the file that serves, or builds another beside it and swaps when that is level.

    Another is built for the first revision, for a new generation, when the feed asks for a restart, and when
    the file was damaged. What serves goes on serving meanwhile. Except for reading `serving`, `collection`
    and `withheld`, callers hold `lock` or are `take`.
    """

    def __init__(self, workspace_id: WorkspaceId, directory: StoreDirectory) -> None:
        self.workspace_id = workspace_id
        self.lock = threading.RLock()
        self.serving: StoreInfo | None = None
        # `serving` in memory.
        self.collection: Collection | None = None
        # True: its promise can't be kept now, so that questions are refused.
        self.withheld = False
        self._directory = directory
        self._building: PassageStore | None = None
        self._building_info: StoreInfo | None = None
        # The revision at which the new file is good enough to serve; None: not known yet.
        self._goal: int | None = None
        # Whether the file that serves can't be continued.
        self._restarted = False

    def adopt(self, info: StoreInfo) -> None:
        """Take a file that was there at the start: the newest serves, the newest unfinished one goes on."""
        if info.complete:
            worse = self.serving
            if worse is not None and (worse.generation, worse.revision) > (info.generation, info.revision):
                info, worse = worse, info
            self.serving = info
        else:
            worse, self._building_info = self._building_info, info
        if worse is not None:
            self._directory.delete(worse)

    def cursor(self, generation: int) -> Position:
        """Return where to go on in the feed of a generation."""
        info = self._continued(generation)
        return Position(self.workspace_id, generation, info.revision if info else 0)

    def take(self, asked: Position, changes: Changes) -> bool:
        """
        Apply the feed's answer to `asked`; return whether what serves is level with it.

        Applies nothing while another thread loads the collection: the follower has a lease to renew.
        """
        if not self.lock.acquire(timeout=_PATIENCE_SECONDS):
            return False
        try:
            info = self._continued(asked.generation)
            if (info.revision if info else 0) != asked.revision:
                return False
            if changes.restart or (info is not None and info.model != changes.model):
                self._restart(asked)
                return False
            if info is not None and info is self.serving:
                return self._advance(changes)
            return self._build(asked, changes)
        finally:
            self.lock.release()

    def drop(self) -> None:
        """Forget the file that serves, which is damaged; refuse questions until another is level."""
        self.unload()
        if self.serving is not None:
            self._directory.delete(self.serving)
        self.serving = None
        self._discard_building()
        self.withheld = True

    def unload(self) -> None:
        """Put the collection out of memory."""
        collection, self.collection = self.collection, None
        if collection is not None:
            collection.close()

    def close(self) -> None:
        """Put everything out of memory."""
        self.unload()
        if self._building is not None:
            self._building.close()
            self._building = None

    def _continued(self, generation: int) -> StoreInfo | None:
        # Each read once: without the lock, another thread may drop them meanwhile; `take` notices.
        building, serving = self._building_info, self.serving
        if building is not None and building.generation == generation:
            return building
        if serving is not None and serving.generation == generation and not self._restarted:
            return serving
        return None

    def _restart(self, asked: Position) -> None:
        if asked.revision == 0:
            raise ChangesRefused("a restart was asked for at the beginning")
        _log.info("workspace %s restarts from the beginning of its feed", self.workspace_id)
        self._discard_building()
        self._restarted = True

    def _advance(self, changes: Changes) -> bool:
        assert self.serving is not None
        self._discard_building()
        level = _is_level(changes)
        store = None if self.collection else self._directory.open(self.serving)
        target: Collection | PassageStore | None = self.collection or store
        assert target is not None
        try:
            if changes.sets:
                target.apply(changes.sets)
            if level:
                target.settle(changes.head_revision)
        except Exception:
            # Whether memory followed the file is not known; the file knows where it is.
            self.serving = target.info
            self.unload()
            raise
        finally:
            if store is not None:
                store.close()
        self.serving = target.info
        self.withheld = self.withheld and not level
        return level

    def _build(self, asked: Position, changes: Changes) -> bool:
        try:
            store = self._open_building(asked.generation, changes)
            if changes.sets:
                store.apply(changes.sets)
            self._building_info = store.info
            level = _is_level(changes)
            if self._goal is None:
                self._goal = changes.head_revision
            if not level and store.info.revision < self._goal:
                return False
            store.settle(changes.head_revision if level else store.info.revision)
        except StoreDamaged as error:
            _log.error("unfinished workspace file dropped: %s", error)
            self._discard_building()
            return False
        self._swap(store)
        return level

    def _open_building(self, generation: int, changes: Changes) -> PassageStore:
        info = self._building_info
        if info is not None and info.generation != generation:
            self._discard_building()
            info = None
        if self._building is None:
            if info is None:
                self._building = self._directory.create(self.workspace_id, generation, changes.model)
            else:
                self._building = self._directory.open(info)
        self._building_info = self._building.info
        return self._building

    def _swap(self, store: PassageStore) -> None:
        before = self.serving
        self.serving = store.info
        store.close()
        self.unload()
        self._building = self._building_info = self._goal = None
        self._restarted = self.withheld = False
        if before is not None:
            self._directory.delete(before)

    def _discard_building(self) -> None:
        if self._building is not None:
            self._building.close()
        if self._building_info is not None:
            self._directory.delete(self._building_info)
        self._building = self._building_info = self._goal = None


def _is_level(changes: Changes) -> bool:
    return not changes.sets or changes.sets[-1].revision >= changes.head_revision
