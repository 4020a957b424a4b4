"""One generation of a workspace on this replica: the file that can be served and one that is being built."""

import logging
import threading

from services.vector_search.domain.changes import Changes, Cursor, GenerationId, Position
from services.vector_search.domain.errors import GenerationUnknown, StoreDamaged
from services.vector_search.domain.ports import Collection, PassageStore, StoreDirectory, StoreInfo

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 1.0


class Generation:
    """
    Applies changes to the file that can be served, or builds another beside it and swaps when that is level.

    Another is built for the first revision, when the feed asks for a restart, and when the file was damaged;
    the one before can be served meanwhile. Except for reading `info`, `collection` and `withheld`, callers
    hold `lock`, or call `take` or `erase`, which take it.
    """

    def __init__(self, generation_id: GenerationId, directory: StoreDirectory) -> None:
        self.id = generation_id
        self.lock = threading.RLock()
        # What `info` is about, in memory.
        self.collection: Collection | None = None
        # True: its promise can't be kept now, so that questions are refused.
        self.withheld = False
        # True: the feed has dropped it; its files are to be deleted, and nobody begins to search it.
        self.dropped = False
        self._directory = directory
        self._info: StoreInfo | None = None
        self._building: PassageStore | None = None
        self._building_info: StoreInfo | None = None
        # The revision at which the new file is good enough to serve; None: not known yet.
        self._goal: int | None = None
        # Where the feed stood when the new file was begun; 0: by an earlier process.
        self._begun_at = 0
        # Whether the file that can be served can't be continued.
        self._restarted = False

    @property
    def info(self) -> StoreInfo | None:
        """The file that can be served, as it is now; None: there is none."""
        collection = self.collection
        return self._info if collection is None else collection.info

    @property
    def revision(self) -> int:
        """How far the file is that can be served; 0: there is none."""
        info = self.info
        return info.revision if info else 0

    @property
    def erased_revision(self) -> int | None:
        """Up to where no file has anything of what was deleted or replaced; None: there is no file."""
        info, building = self.info, self._building_info
        if building is None:
            # As a rule.
            return None if info is None else info.erased_revision
        infos = (info, building)
        return min((each.erased_revision for each in infos if each is not None), default=None)

    def adopt(self, info: StoreInfo) -> None:
        """Take a file that was there at the start; of two, the newer one."""
        if info.complete:
            worse = self._info
            if worse is not None and worse.revision > info.revision:
                info, worse = worse, info
            self._info = info
        else:
            worse, self._building_info = self._building_info, info
        if worse is not None:
            self._directory.delete(worse)

    def cursor(self) -> Cursor:
        """Return where to go on in the feed."""
        info = self._continued()
        if info is None:
            return Cursor(Position(*self.id, 0))
        return Cursor(info.position, 0 if info.complete else self._begun_at)

    def take(self, asked: Position, changes: Changes) -> bool:
        """
        Apply the feed's answer to `asked`; return whether what can be served is level with it.

        Applies nothing while another thread loads the collection: the follower has a lease to renew.
        """
        if not self.lock.acquire(timeout=_PATIENCE_SECONDS):
            return False
        try:
            info = self._continued()
            if self.dropped or (info.revision if info else 0) != asked.revision:
                return False
            if changes.restart or (info is not None and info.model != changes.model):
                self._restart(asked)
                return False
            if info is not None and self._building_info is None:
                return self._advance(info, changes)
            return self._build(changes)
        finally:
            self.lock.release()

    def erase(self) -> None:
        """
        Take what was deleted or replaced out of the files, as far as it is time.

        Raises:
            StoreDamaged: the file that can be served is not sound.
            StoreUnavailable: to be tried again.
        """
        collection = self.collection
        if collection is not None:
            # May take long: without the lock.
            collection.erase()
        elif self.lock.acquire(blocking=False):
            try:
                self._erase_files()
            finally:
                self.lock.release()

    def lose(self) -> None:
        """Delete the file that can be served, which is damaged; refuse questions until another is level."""
        # First, so that nobody takes it for one that never had anything.
        self.withheld = True
        self._delete()

    def drop(self) -> None:
        """Delete all files. Waits for searches under way."""
        self.dropped = True
        self._delete()

    def unload(self) -> None:
        """Put the collection out of memory."""
        collection = self.collection
        if collection is not None:
            self._info = collection.info
            self.collection = None
            collection.close()

    def close(self) -> None:
        """Put everything out of memory."""
        self.unload()
        if self._building is not None:
            self._building.close()
            self._building = None

    def _continued(self) -> StoreInfo | None:
        # Each read once: without the lock, another thread may drop them meanwhile; `take` notices.
        building = self._building_info
        return building or (None if self._restarted else self.info)

    def _erase_files(self) -> None:
        building, info = self._building, self._info
        if building is not None:
            try:
                building.erase(building.info.revision)
            except StoreDamaged as error:
                self._forget_building(error)
            else:
                self._building_info = building.info
        if self.collection is None and info is not None and info.erased_revision < info.revision:
            self._info = self._directory.erase(info)

    def _restart(self, asked: Position) -> None:
        if asked.revision == 0:
            raise GenerationUnknown("the feed has no beginning of it")
        _log.info("workspace %s restarts from the beginning of its feed", self.id.workspace_id)
        self._discard_building()
        self._restarted = True

    def _advance(self, info: StoreInfo, changes: Changes) -> bool:
        level = _is_level(changes)
        store = None if self.collection else self._directory.open(info)
        target: Collection | PassageStore | None = self.collection or store
        assert target is not None
        try:
            if changes.sets:
                target.apply(changes.sets)
            if level:
                target.settle(changes.head_revision)
        except Exception:
            # Whether memory followed the file is not known; the file knows where it is.
            self.unload()
            raise
        finally:
            if store is not None:
                self._info = store.info
                store.close()
        self.withheld = self.withheld and not level
        return level

    def _build(self, changes: Changes) -> bool:
        try:
            store = self._open_building(changes)
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
            self._forget_building(error)
            return False
        self._swap(store)
        return level

    def _open_building(self, changes: Changes) -> PassageStore:
        if self._building is None:
            info = self._building_info
            if info is None:
                self._building = self._directory.create(*self.id, changes.model)
                self._begun_at = changes.head_revision
            else:
                self._building = self._directory.open(info)
        self._building_info = self._building.info
        return self._building

    def _swap(self, store: PassageStore) -> None:
        self.unload()
        before, self._info = self._info, store.info
        store.close()
        self._building = self._building_info = self._goal = None
        self._restarted = self.withheld = False
        if before is not None:
            self._directory.delete(before)

    def _delete(self) -> None:
        self.unload()
        if self._info is not None:
            self._directory.delete(self._info)
        self._info = None
        self._discard_building()

    def _forget_building(self, error: StoreDamaged) -> None:
        _log.error("unfinished workspace file dropped: %s", error)
        self._discard_building()

    def _discard_building(self) -> None:
        if self._building is not None:
            self._building.close()
        if self._building_info is not None:
            self._directory.delete(self._building_info)
        self._building = self._building_info = self._goal = None


def _is_level(changes: Changes) -> bool:
    return not changes.sets or changes.sets[-1].revision >= changes.head_revision
