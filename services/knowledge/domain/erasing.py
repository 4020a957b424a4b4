"""Deletions to their end: until nothing of the documents is left in any process or file."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from services.kernel.clock import Clock
from services.kernel.errors import DomainError
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.deletion import Deletion
from services.knowledge.domain.ports.deletions import KeptAnswers
from services.knowledge.domain.ports.store import Store

# Deletions of a workspace that go together; query forgets at most so many documents at once.
_AT_ONCE = 1000
# Scrubbing may take a share of the time, so that much deleting does not keep a database busy.
_REST = 4


class EraseDeleted:
    """
    Sees deletions through: out of all searches, of kept answers, of replicas' files and of the database's.

    Each step is noted and can be made again, by whichever process comes next. Only after the last one a
    deletion has succeeded.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        answers: KeptAnswers,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`seconds`: a stopwatch."""
        self._store = store
        self._clock = clock
        self._answers = answers
        self._seconds = seconds
        self._rested = 0.0

    def run(self) -> None:
        """
        Take all deletions as far as they go now.

        What stands in the way of one workspace's is raised after the others had their turn.
        """
        with self._store.read() as tx:
            waiting = tx.deletions.waiting()
        erased: dict[WorkspaceId, set[Deletion]] = {}
        failure: DomainError | None = None
        for workspace_id in waiting:
            try:
                erased[workspace_id] = self._confirmed(workspace_id)
            except DomainError as error:
                failure = error
        if any(erased.values()) and self._seconds() >= self._rested:
            self._scrub()
            for workspace_id, deletions in erased.items():
                self._end(workspace_id, deletions)
        if failure is not None:
            raise failure

    def _confirmed(self, workspace_id: WorkspaceId) -> set[Deletion]:
        """Note what replicas and query confirm; return what has to be erased only here."""
        with self._store.read() as tx:
            pending = tx.deletions.pending(workspace_id, _AT_ONCE)
            live = tx.replicas.live(workspace_id, self._clock.now())
        # Earlier, a search could still find it and its answer be kept.
        due = [each for each in pending if each.receipt.answers is None and each.unfindable(live)]
        counts = self._answers.forget(workspace_id, [each.document_id for each in due]) if due else []
        forgotten = dict(zip((each.operation_id for each in due), counts, strict=True))
        now = self._clock.now()
        advanced = [
            each.forgotten(forgotten[each.operation_id]) if each.operation_id in forgotten else each
            for each in (each.confirmed(live, now) for each in pending)
        ]
        self._note(workspace_id, dict(zip(pending, advanced, strict=True)))
        return {each for each in advanced if each.erased(live)}

    def _note(self, workspace_id: WorkspaceId, news: Mapping[Deletion, Deletion]) -> None:
        if all(before == after for before, after in news.items()):
            return
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            # What another process has noted meanwhile stands; the rest comes again.
            for before in tx.deletions.pending(workspace_id, _AT_ONCE):
                if before in news and news[before] != before:
                    tx.deletions.note(workspace_id, news[before])

    def _scrub(self) -> None:
        begun = self._seconds()
        try:
            self._store.scrub()
        finally:
            ended = self._seconds()
            self._rested = ended + _REST * (ended - begun)

    def _end(self, workspace_id: WorkspaceId, deletions: Collection[Deletion]) -> None:
        with self._store.write() as tx:
            tx.bases.lock(workspace_id)
            now = self._clock.now()
            pending = tx.deletions.pending(workspace_id, _AT_ONCE)
            ended = [each for each in pending if each in deletions]
            for each in ended:
                tx.deletions.note(workspace_id, replace(each, receipt=replace(each.receipt, erased_at=now)))
            tx.deletions.remove(workspace_id, [each.operation_id for each in ended])
            tx.operations.documents_done(workspace_id, [each.document_id for each in ended], now)
