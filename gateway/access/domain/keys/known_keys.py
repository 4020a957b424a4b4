"""The keys of the last seconds: a busy key costs one look-up in that time instead of one a request."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from gateway.access.domain.keys.known_key import KnownKey, Used
from gateway.access.domain.ports import KeyLookup
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.ids import WorkspaceId

# A key that is revoked elsewhere must be refused here within 5 s, the time that a look-up takes included.
LIFETIME_SECONDS = 4.0
CAPACITY = 10_000


class KnownKeys:
    """
    A look-up in front of the store's, bounded in time and number; safe to use from many threads.

    Keys that do not exist are not remembered: anyone can make those up, and would push the real ones out.
    """

    def __init__(
        self,
        lookup: KeyLookup,
        *,
        lifetime_seconds: float = LIFETIME_SECONDS,
        capacity: int = CAPACITY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookup = lookup
        self._lifetime = lifetime_seconds
        self._capacity = capacity
        self._monotonic = monotonic
        self._writing = threading.Lock()
        # In the order of their entry, which is almost that of their end.
        self._entries: dict[str, tuple[float, KnownKey]] = {}
        self._under_way: dict[str, Future[KnownKey | None]] = {}
        self._of_workspace: dict[WorkspaceId, set[str]] = {}

    def at_hand(self, public_id: str) -> KnownKey | None:
        """Return the key of that public id if it is remembered, without I/O and without waiting."""
        entry = self._entries.get(public_id)
        return entry[1] if entry is not None and self._monotonic() < entry[0] else None

    def find(self, public_id: str) -> KnownKey | None:
        """
        Return the key of that public id as it was at most `lifetime_seconds` ago; None where there is none.

        Who asks for a key that is being looked up waits for that look-up.

        Raises:
            Unavailable: it is not known any more and the store can't be asked.
        """
        with self._writing:
            known = self.at_hand(public_id)
            if known is not None:
                return known
            under_way = self._under_way.get(public_id)
            if under_way is None:
                mine: Future[KnownKey | None] = Future()
                self._under_way[public_id] = mine
        return under_way.result() if under_way is not None else self._look_up(public_id, mine)

    def forget(self, public_id: str) -> None:
        """Ask the store for this key the next time."""
        with self._writing:
            self._drop(public_id)
            # What is being looked up may have been read before; it is neither waited for nor remembered.
            self._under_way.pop(public_id, None)

    def forget_workspace(self, workspace: Workspace) -> None:
        """Ask the store for the keys of a workspace and its twin the next time."""
        with self._writing:
            for workspace_id in (workspace.id, workspace.test_id):
                for public_id in tuple(self._of_workspace.get(workspace_id, ())):
                    self._drop(public_id)
            self._under_way.clear()

    def renew_used(self, workspace_id: WorkspaceId, renewed: Callable[[Used], Used]) -> None:
        """Take over what a workspace has used by now, where its keys are remembered."""
        with self._writing:
            for public_id in self._of_workspace.get(workspace_id, ()):
                until, known = self._entries[public_id]
                self._entries[public_id] = until, replace(known, used=renewed(known.used))

    def _look_up(self, public_id: str, mine: Future[KnownKey | None]) -> KnownKey | None:
        # Taken before the look-up: what the store answers may be as old as the question.
        until = self._monotonic() + self._lifetime
        try:
            known = self._lookup.find(public_id)
        except BaseException as error:
            self._end(public_id, mine, None)
            mine.set_exception(error)
            raise
        self._end(public_id, mine, None if known is None else (until, known))
        mine.set_result(known)
        return known

    def _end(
        self, public_id: str, mine: Future[KnownKey | None], entry: tuple[float, KnownKey] | None
    ) -> None:
        with self._writing:
            if self._under_way.get(public_id) is not mine:
                return
            del self._under_way[public_id]
            self._drop(public_id)
            if entry is None:
                return
            self._entries[public_id] = entry
            self._of_workspace.setdefault(entry[1].key.workspace_id, set()).add(public_id)
            if len(self._entries) > self._capacity:
                self._drop(next(iter(self._entries)))

    def _drop(self, public_id: str) -> None:
        entry = self._entries.pop(public_id, None)
        if entry is None:
            return
        workspace_id = entry[1].key.workspace_id
        self._of_workspace[workspace_id].discard(public_id)
        if not self._of_workspace[workspace_id]:
            del self._of_workspace[workspace_id]
