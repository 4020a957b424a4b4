"""What search replicas ask of the knowledge base, and what their answers settle."""

import time
from collections.abc import Callable
from datetime import timedelta

from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import (
    ANSWER_BYTES,
    MAX_BEHIND,
    Changes,
    Position,
    Replica,
)
from services.knowledge.domain.ports.store import Store

MAX_WAIT_SECONDS = 2.0
# Other processes commit, too: the database is asked, not a condition in this process.
_POLL_SECONDS = 0.05


class FollowChanges:
    """Serves the change feed."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lease_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._clock = clock
        self.lease_seconds = lease_seconds
        self._sleep = sleep

    def changes(self, workspace_id: WorkspaceId, generation: int, after: int) -> Changes:
        """Return what came after a revision, in order, each revision whole."""
        with self._store.read() as tx:
            return tx.feed.changes(workspace_id, generation, after, ANSWER_BYTES)

    def sync(self, replica: Replica, wait_seconds: float) -> list[Position]:
        """
        Prolong a replica's lease, take its acknowledgements, settle what they confirm.

        Returns what it is behind on, after waiting for news where there is nothing.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            tx.replicas.renew(replica, now, now + timedelta(seconds=self.lease_seconds))
        if replica.acknowledged:
            self.settle()
        polls = int(min(wait_seconds, MAX_WAIT_SECONDS) / _POLL_SECONDS)
        for poll in range(polls + 1):
            with self._store.read() as tx:
                behind = tx.replicas.behind(replica.id, MAX_BEHIND)
            if behind or poll == polls:
                break
            self._sleep(_POLL_SECONDS)
        return behind

    def settle(self) -> None:
        """
        Make true what every live replica has confirmed.

        Documents become indexed, deletions end. Also due when a lease lapses: the others may be level.
        """
        with self._store.read() as tx:
            waiting = tx.replicas.confirmable(self._clock.now())
        for workspace_id in waiting:
            with self._store.write() as tx:
                tx.bases.lock(workspace_id)
                now = self._clock.now()
                floor = tx.replicas.floor(workspace_id, now)
                if floor is None:
                    continue
                indexed = tx.documents.confirm(workspace_id, floor, now)
                tx.operations.documents_done(workspace_id, indexed, now)
                tx.operations.deletions_confirmed(workspace_id, floor, now)
