"""The worker: indexes until told to stop, and keeps its claims alive meanwhile."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import structlog
from prometheus_client import Gauge

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.index_documents import IndexDocuments
from services.knowledge.domain.indexing.embedding import EMBED_AT_ONCE
from services.knowledge.domain.indexing.work import Work
from services.knowledge.domain.queue import Claim
from services.knowledge.indexer.belt import Belt
from services.runtime.periodic import Periodic

LEFT_ALONE = Gauge(
    "indexer_workspaces_left_alone",
    "Workspaces whose documents wait for an embedding model that this installation does not have.",
)

# The model never waits for the next documents, and few are claimed long before their turn.
_PREPARED_TEXTS = 4 * EMBED_AT_ONCE
# Vectors of so many texts are kept in memory, or those of one document.
_EMBEDDED_TEXTS = 16 * EMBED_AT_ONCE
_LOOK_SECONDS = 60.0

_log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """
    A thread for each step: while the model embeds, the next documents are prepared and the last ones written.

    At most `batch` documents are in hand at any time, so that who comes next waits for so many at most. After
    one that took longer than `patience_seconds` to prepare, its workspace's others wait for their next turn.
    """

    def __init__(
        self,
        index: IndexDocuments,
        *,
        batch: int,
        claim_seconds: float,
        poll_seconds: float,
        patience_seconds: float = 2.0,
    ) -> None:
        self._index = index
        self._batch = batch
        self._patience_seconds = patience_seconds
        self._poll_seconds = poll_seconds
        self._stop = threading.Event()
        self._committed = threading.Event()
        self._prepared, self._embedded = Belt(_PREPARED_TEXTS), Belt(_EMBEDDED_TEXTS)
        self._steps = [
            threading.Thread(target=step, name=step.__name__.strip("_"))
            for step in (self._preparing, self._embedding, self._committing)
        ]
        self._periodic = [
            Periodic("renewing", claim_seconds / 3, index.renew),
            Periodic("looking", _LOOK_SECONDS, self._look),
        ]

    def start(self) -> None:
        """Begin."""
        for step in self._steps:
            step.start()
        for each in self._periodic:
            each.start()

    def stop(self) -> None:
        """Finish the call to the model that is under way, write what is whole, give back the rest, return."""
        self._stop.set()
        for step in self._steps:
            step.join()
        self._guarded((), self._index.give_back)
        for each in self._periodic:
            each.stop()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def _preparing(self) -> None:
        while not self.stopping:
            self._committed.clear()
            if 2 * self._room < self._batch:
                self._committed.wait(self._poll_seconds)
            elif not self._guarded((), self._claim_and_prepare):
                self._stop.wait(self._poll_seconds)
        self._prepared.close()

    def _claim_and_prepare(self) -> bool:
        claims = self._index.claim(self._room)
        slow: set[WorkspaceId] = set()
        for claim in claims:
            if claim.workspace_id in slow:
                # Ten slow ones in a row would hold up who comes meanwhile; this way it is next.
                self._guarded((), self._index.give_back, [claim])
            elif not self.stopping and self._guarded([claim], self._prepare, claim):
                slow.add(claim.workspace_id)
        return bool(claims)

    @property
    def _room(self) -> int:
        return self._batch - self._index.in_hand

    def _prepare(self, claim: Claim) -> bool:
        """Prepare a document; return whether that took long."""
        begun = time.monotonic()
        work = self._index.prepare(claim)
        slow = time.monotonic() - begun > self._patience_seconds
        if work is not None:
            self._prepared.put(work)
        return slow

    def _embedding(self) -> None:
        while works := self._prepared.take(EMBED_AT_ONCE):
            self._guarded([each.claim for each in works], self._embed, works)
        self._embedded.close()

    def _embed(self, works: Sequence[Work]) -> None:
        if self._index.embed(works, self._stop.is_set):
            for work in works:
                self._embedded.put(work)

    def _committing(self) -> None:
        while works := self._embedded.take(1):
            for work in works:
                self._guarded([work.claim], self._index.commit, work)
            self._committed.set()

    def _guarded(
        self, claims: Sequence[Claim], step: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        try:
            return step(*args, **kwargs)
        except Exception as error:
            # Nothing is lost: claims lapse and come again. A dead thread would index nothing ever again.
            if isinstance(error, Unavailable):
                _log.warning("database_unavailable", error=error.detail)
            else:
                _log.error("unforeseen", exc_info=error)
            for claim in claims:
                self._index.drop(claim)
            return None

    def _look(self) -> None:
        """Let an operator see why nothing moves."""
        workspaces = self._index.left_alone()
        LEFT_ALONE.set(len(workspaces))
        if workspaces:
            _log.warning("embedding_model_missing", workspaces=len(workspaces), first=workspaces[0])
