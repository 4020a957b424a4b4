"""The switch to a new generation: when it is ready, all replicas go over to it at one instant."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.operation import ItemError, Status
from services.knowledge.domain.ports.bases import Base
from services.knowledge.domain.ports.gates import SwitchGate
from services.knowledge.domain.ports.store import Store, Transaction
from services.knowledge.domain.reindexing import give_up

# Between the end of the longest lease that may not know of a switch, and the switch.
_MARGIN = timedelta(seconds=2)
# Rows of a generation that nobody needs, removed in one transaction, so that others get their turn.
_AT_ONCE = 200


class Switching:
    """
    Brings re-indexes to their end, step by step; each step is one transaction, and may be tried again.

    First the next generation is whole: it has what the serving one has. Then every live replica has it, and
    no gate objects: the instant of the switch is set, more than a lease ahead. A replica that has not heard
    of it by then has no lease any more, so that all go over at once. After the instant it is made true here.
    """

    def __init__(self, store: Store, clock: Clock, lease_seconds: float, gates: Sequence[SwitchGate]) -> None:
        self._store = store
        self._clock = clock
        self._ahead = timedelta(seconds=lease_seconds) + _MARGIN
        self._gates = gates

    def advance(self) -> None:
        """Take the next step where one is due; to be called about once a second."""
        with self._store.read() as tx:
            bases = {each: tx.bases.get(each) for each in tx.bases.reindexing()}
        failure: Exception | None = None
        for workspace_id, base in bases.items():
            try:
                self._step(workspace_id, base)
            except Exception as error:
                # What stands in the way of one, a gate that is away, keeps no other waiting.
                failure = error
        if failure is not None:
            raise failure

    def _step(self, workspace_id: WorkspaceId, base: Base) -> None:
        if base.next is None:
            return
        if base.next.switch_at is not None:
            self._finish(workspace_id, base.next.switch_at)
        elif base.next.whole_at is None:
            self._note_whole(workspace_id)
        else:
            self._set(workspace_id, base)

    def clear(self) -> None:
        """Remove what is left of generations that were given up."""
        with self._store.read() as tx:
            discarded = tx.reindexes.discarded()
        for workspace_id, generation in discarded:
            more = True
            while more:
                with self._store.write() as tx:
                    more = tx.reindexes.clear(workspace_id, generation, _AT_ONCE)

    def _note_whole(self, workspace_id: WorkspaceId) -> None:
        with self._store.read() as tx:
            seen = tx.bases.get(workspace_id)
            if not _whole(tx, workspace_id, seen):
                return
        with self._store.write() as tx:
            base = tx.bases.lock(workspace_id)
            # Nothing is written into a generation without a revision.
            if base.next is not None and (base == seen or _whole(tx, workspace_id, base)):
                following = replace(base.next, whole_at=base.revision)
                tx.bases.follow(workspace_id, following, previous=None)

    def _set(self, workspace_id: WorkspaceId, base: Base) -> None:
        with self._store.read() as tx:
            if not _level(tx, workspace_id, base, self._clock.now()):
                return
        objections = [one for gate in self._gates for one in gate.objections(workspace_id, base)]
        with self._store.write() as tx:
            present = tx.bases.lock(workspace_id)
            if present.next is None or present.next != base.next:
                return
            if objections:
                self._refuse(tx, workspace_id, present, objections)
                return
            tx.replicas.hold_still()
            now = self._clock.now()
            if _level(tx, workspace_id, present, now):
                following = replace(present.next, switch_at=now + self._ahead)
                tx.bases.follow(workspace_id, following, previous=None)

    def _refuse(
        self, tx: Transaction, workspace_id: WorkspaceId, base: Base, objections: Sequence[ItemError]
    ) -> None:
        if base.next is not None:
            tx.reindexes.explain(workspace_id, base.next.operation_id, objections)
            give_up(tx, workspace_id, Status.FAILED, self._clock.now())

    def _finish(self, workspace_id: WorkspaceId, switch_at: datetime) -> None:
        if self._clock.now() < switch_at:
            return
        with self._store.write() as tx:
            base, now = tx.bases.lock(workspace_id), self._clock.now()
            if base.next is None or base.next.switch_at != switch_at:
                return
            operation = tx.operations.get(workspace_id, base.next.operation_id)
            failed = operation is not None and operation.counts.failed > 0
            tx.bases.switch(workspace_id)
            tx.replicas.forget(workspace_id, base.serving.number)
            outcome = Status.PARTIALLY_FAILED if failed else Status.SUCCEEDED
            tx.operations.end(workspace_id, base.next.operation_id, outcome, now)


def _whole(tx: Transaction, workspace_id: WorkspaceId, base: Base) -> bool:
    if base.next is None or base.next.whole_at is not None:
        return False
    if tx.reindexes.waits(workspace_id, base.next.operation_id):
        return False
    return tx.reindexes.is_whole(
        workspace_id, base.next.operation_id, base.serving.number, base.next.generation.number
    )


def _level(tx: Transaction, workspace_id: WorkspaceId, base: Base, now: datetime) -> bool:
    whole_at = base.next.whole_at if base.next else None
    live = tx.replicas.live(workspace_id, now)
    return whole_at is not None and bool(live) and all(each.is_level(whole_at) for each in live)
