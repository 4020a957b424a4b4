"""What is over is kept for a time only: ended operations, and tombstones in the change feed."""

from datetime import timedelta

from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.ports.store import Store, Transaction

OPERATIONS_KEPT = timedelta(days=30)
# A replica that is away for longer fetches its workspaces anew.
TOMBSTONES_KEPT = timedelta(days=7)
_AT_ONCE = 200


class Forgetting:
    """Removes what is kept no longer, in pieces, so that writers get their turn."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def run(self) -> int:
        """Remove some; return how many rows."""
        return self._operations() + self._tombstones()

    def _operations(self) -> int:
        before = self._clock.now() - OPERATIONS_KEPT
        with self._store.read() as tx:
            workspace_id = tx.history.with_ended(before)
        if workspace_id is None:
            return 0
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            return tx.history.prune_operations(workspace_id, before, _AT_ONCE)

    def _tombstones(self) -> int:
        with self._store.read() as tx:
            revisions = {each: self._no_more_needed(tx, each) for each in tx.history.with_buried()}
        return sum(self._prune(each, revision) for each, revision in revisions.items() if revision)

    def _prune(self, workspace_id: WorkspaceId, revision: int) -> int:
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            return tx.history.prune_tombstones(workspace_id, revision, _AT_ONCE)

    def _no_more_needed(self, tx: Transaction, workspace_id: WorkspaceId) -> int:
        """Return up to which revision tombstones are old enough, and every live replica has them."""
        now = self._clock.now()
        live = tx.replicas.live(workspace_id, now)
        has = [revision for each in live for revision in (each.serving, each.following) if revision]
        return min([tx.history.revision_before(workspace_id, now - TOMBSTONES_KEPT), *has])
