"""Versions are kept for a time only."""

from datetime import timedelta

from services.kernel.clock import Clock
from services.knowledge.domain.ports.store import Store

# Each may have a content of 10 MiB, and writers wait meanwhile.
_AT_ONCE = 100


class PruneVersions:
    """Removes the versions of documents and passages that were replaced too long ago."""

    def __init__(self, store: Store, clock: Clock, kept: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._kept = kept

    def run(self) -> int:
        """Remove some, of one workspace; return how many."""
        before = self._clock.now() - self._kept
        with self._store.read() as tx:
            workspace_id = tx.versions.expired(before)
        if workspace_id is None:
            return 0
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            return tx.versions.prune(workspace_id, before, _AT_ONCE)
