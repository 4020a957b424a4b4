"""What search replicas ask of the knowledge base, and what their answers settle."""

import time
from collections.abc import Callable, Collection
from datetime import timedelta

from services.kernel.clock import Clock
from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import ANSWER_BYTES, MAX_BEHIND, Changes, News, Replica
from services.knowledge.domain.past import PastPage, past_page
from services.knowledge.domain.ports.store import Store

MAX_WAIT_SECONDS = 2.0
# Other processes commit, too: the database is asked, not a condition in this process.
_POLL_SECONDS = 0.05
# Documents that are made indexed in one transaction: writers get their turn, and PostgreSQL takes no list of
# more than 65,535.
_AT_ONCE = 1000
_PATIENCE_SECONDS = 0.5


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

    def changes(self, workspace_id: WorkspaceId, generation: int, after: int, begun_at: int = 0) -> Changes:
        """Return what came after a revision, in order, each revision whole; see `Feed.changes`."""
        with self._store.read() as tx:
            return tx.feed.changes(workspace_id, generation, after, ANSWER_BYTES, begun_at)

    def past(self, workspace_id: WorkspaceId, revision: int, page_token: str) -> PastPage:
        """Return a page of what search saw at an earlier revision; see `past_page`."""
        with self._store.read() as tx:
            return past_page(tx, workspace_id, revision, page_token)

    def sync(self, replica: Replica, wait_seconds: float) -> News:
        """
        Prolong a replica's lease, take its acknowledgements, settle what they confirm.

        Waits for news where the replica is behind on nothing. What is said of switches was read after the
        lease was prolonged: whoever may serve at the instant of a switch knows of it.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            tx.replicas.renew(replica, now, now + timedelta(seconds=self.lease_seconds))
        if replica.acknowledged:
            self.settle({each.workspace_id for each in replica.acknowledged})
        first = news = self._news(replica)
        for _ in range(int(min(wait_seconds, MAX_WAIT_SECONDS) / _POLL_SECONDS)):
            if news.behind or news.switches != first.switches:
                break
            self._sleep(_POLL_SECONDS)
            news = self._news(replica)
        return news

    def _news(self, replica: Replica) -> News:
        with self._store.read() as tx:
            behind = tx.replicas.behind(replica.id, MAX_BEHIND)
            following, switches = tx.replicas.following()
        return News(behind, following, switches, self._clock.now())

    def settle(self, of: Collection[WorkspaceId] | None = None) -> None:
        """
        Make indexed, in some workspaces or all, the documents that every live replica has.

        Of some workspaces, a replica's, not more than it can wait for. Also due when a lease lapses: the
        others may be level.
        """
        with self._store.read() as tx:
            waiting = tx.replicas.confirmable(self._clock.now(), of)
        for workspace_id in waiting:
            try:
                while self._confirm(workspace_id) and of is None:
                    pass
            except Unavailable:
                # Somebody writes at length in this one; the others, and a lease, must not wait for that.
                continue

    def _confirm(self, workspace_id: WorkspaceId) -> bool:
        """Make some documents of a workspace indexed; return whether there may be more."""
        with self._store.write() as tx:
            tx.bases.lock(workspace_id, _PATIENCE_SECONDS)
            now = self._clock.now()
            floor = tx.replicas.floor(workspace_id, now)
            if floor is None:
                return False
            indexed = tx.documents.confirm(workspace_id, floor, now, _AT_ONCE)
            tx.operations.documents_done(workspace_id, indexed, now)
            return len(indexed) == _AT_ONCE
