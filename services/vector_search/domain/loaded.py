"""The collections in memory, within a budget."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Collection as Container
from collections.abc import Sequence

from services.kernel.errors import Unavailable
from services.vector_search.domain.errors import CollectionClosed, StoreDamaged, StoreUnavailable
from services.vector_search.domain.generation import Generation
from services.vector_search.domain.ports import Collection, CollectionLoader, StoreDirectory

_log = logging.getLogger(__name__)


class LoadedCollections:
    """
    Loads collections, and puts out those that were not used for longest.

    Files that turn out to be damaged are dropped. Safe to use from several threads.
    """

    def __init__(self, directory: StoreDirectory, loader: CollectionLoader, budget_bytes: int) -> None:
        self._directory = directory
        self._loader = loader
        self._budget_bytes = budget_bytes
        self._lock = threading.Lock()
        # Least recently used first.
        self._loaded: OrderedDict[Generation, Collection] = OrderedDict()
        self._losses = False

    def all(self) -> list[tuple[Generation, Collection]]:
        """Return what is in memory, least recently used first."""
        with self._lock:
            return list(self._loaded.items())

    def get(self, generation: Generation, beside: Generation | None = None) -> Collection | None:
        """
        Return the collection of a generation, loaded if need be; None where it has no file.

        Room for it is not made by putting out the one beside it.

        Raises:
            CollectionClosed: the generation was dropped meanwhile.
            Unavailable: its index is being rebuilt, or the disk refuses.
        """
        if generation.withheld:
            raise Unavailable("The index is being rebuilt.")
        collection = generation.collection
        fresh = collection is None
        if collection is None:
            collection = self._load(generation)
        if collection is not None:
            with self._lock:
                # Only if it is still there: another thread may be putting it out.
                if generation.collection is collection:
                    self._loaded[generation] = collection
                    self._loaded.move_to_end(generation)
            if fresh:
                self._keep_to_budget({generation, beside})
        return collection

    def maintain(self) -> None:
        """Let every collection in memory do its long work, then keep to the budget."""
        for generation, collection in self.all():
            try:
                collection.maintain()
            except StoreDamaged as error:
                self.lose(generation, error, collection)
            except StoreUnavailable as error:
                _log.error("maintenance failed: %s", error)
        self._keep_to_budget()

    def load_ahead(self, generations: Sequence[Generation]) -> None:
        """
        Load what a snapshot makes quick to load, the largest first, as far as the budget goes.

        Those are the ones whose first question would wait longest.
        """
        prepared = []
        for place, each in enumerate(generations):
            info = each.info
            if info is not None:
                prepared.append((self._loader.prepared_bytes(info), place))
        room = self._budget_bytes
        for size, place in sorted(prepared, reverse=True):
            if not 0 < size <= room:
                continue
            try:
                collection = self.get(generations[place])
            except (Unavailable, CollectionClosed):
                # Reported; what was lost is asked of the feed again.
                continue
            room -= collection.memory_bytes if collection else 0

    def make_ready(self, following: Generation, serving: Generation, *, soon: bool) -> None:
        """
        Load what will serve next beside what serves, where that is in memory.

        Into free memory; `soon`: also in place of others, but never of what serves.
        """
        info, present = following.info, serving.collection
        if info is None or present is None or following.collection is not None:
            return
        size = max(present.memory_bytes, self._loader.prepared_bytes(info))
        room = self._budget_bytes - present.memory_bytes if soon else self._free_bytes()
        if size > room:
            return
        try:
            self.get(following, beside=serving)
        except (Unavailable, CollectionClosed):
            # Reported; the first question after the switch tries again.
            return

    def lose(self, generation: Generation, error: StoreDamaged, collection: Collection | None = None) -> None:
        """Drop a damaged file, unless it is not the collection's any more."""
        with generation.lock:
            if collection is not None and generation.collection is not collection:
                return
            _log.error("workspace file dropped, to be rebuilt from the feed: %s", error)
            generation.lose()
            self._losses = True
        self.gone(generation)

    def take_losses(self) -> bool:
        """Return, once, whether a file was dropped whose position had been acknowledged."""
        lost, self._losses = self._losses, False
        return lost

    def gone(self, generation: Generation) -> None:
        """Note that a generation may not be in memory any more."""
        with self._lock:
            if generation.collection is None:
                self._loaded.pop(generation, None)

    def _load(self, generation: Generation) -> Collection | None:
        try:
            with generation.lock:
                if generation.dropped:
                    raise CollectionClosed
                info = generation.info
                if generation.collection is None and info is not None:
                    generation.collection = self._loader.load(self._directory.open(info))
                return generation.collection
        except StoreDamaged as error:
            self.lose(generation, error)
            raise Unavailable("The index is being rebuilt.") from error
        except StoreUnavailable as error:
            _log.error("workspace file not readable: %s", error)
            raise Unavailable("The index can't be read now.") from error

    def _free_bytes(self) -> int:
        """Return how much of the budget is left; negative where it is exceeded."""
        with self._lock:
            return self._budget_bytes - sum(each.memory_bytes for each in self._loaded.values())

    def _keep_to_budget(self, wanted: Container[Generation | None] = ()) -> None:
        excess = -self._free_bytes()
        for generation, _ in self.all() if excess > 0 else ():
            if excess <= 0:
                return
            # Somebody who holds it is using it, and waiting here for them could be waiting for ourselves.
            if generation in wanted or not generation.lock.acquire(blocking=False):
                continue
            try:
                excess -= generation.collection.memory_bytes if generation.collection else 0
                generation.unload()
            finally:
                generation.lock.release()
            self.gone(generation)
