"""The worker: indexes until told to stop, and keeps its claims alive meanwhile."""

import threading

import structlog

from services.kernel.errors import Unavailable
from services.knowledge.domain.document import Failure
from services.knowledge.domain.index_documents import IndexDocuments
from services.knowledge.domain.queue import Claim

_log = structlog.get_logger(__name__)


class Worker:
    """Two threads: one indexes, one renews the claims that the other works on."""

    def __init__(
        self, index: IndexDocuments, *, batch: int, claim_seconds: float, poll_seconds: float
    ) -> None:
        self._index = index
        self._batch = batch
        self._renew_seconds = claim_seconds / 3
        self._poll_seconds = poll_seconds
        self._stop = threading.Event()
        self._indexed = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name="indexing"),
            threading.Thread(target=self._renew, name="renewing"),
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the call to the model that is under way, give back the rest, return."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                claimed = self._index.run(self._batch, self._stop.is_set)
            except Unavailable as error:
                _log.warning("database_unavailable", error=error.detail)
                claimed = 0
            except Exception as error:
                # Nothing is lost: claims lapse and come again. A dead thread would index nothing ever again.
                _log.error("unforeseen", exc_info=error)
                claimed = 0
            if not claimed:
                self._stop.wait(self._poll_seconds)
        self._indexed.set()

    def _renew(self) -> None:
        while not self._indexed.wait(self._renew_seconds):
            try:
                self._index.renew()
            except Unavailable as error:
                _log.warning("claims_not_renewed", error=error.detail)
            except Exception as error:
                _log.error("unforeseen", exc_info=error)


class LogJournal:
    """Tells the log; ids only, never what is in a document."""

    def indexed(self, claim: Claim, chunks: int, embedded: int) -> None:
        """A document's passages are in the feed."""
        _log.info("document_indexed", **_named(claim), chunks=chunks, embedded=embedded)

    def failed(self, claim: Claim, failure: Failure) -> None:
        """A document was given up."""
        _log.warning("document_failed", **_named(claim), code=failure.code, detail=failure.detail)

    def postponed(self, claim: Claim, error: Exception) -> None:
        """A document will be tried again."""
        _log.warning("document_postponed", **_named(claim), attempts=claim.attempts, exc_info=error)

    def lost(self, claim: Claim) -> None:
        """A document was edited, deleted or taken over meanwhile."""
        _log.info("claim_lost", **_named(claim))


def _named(claim: Claim) -> dict[str, str]:
    return {"workspace_id": claim.workspace_id, "document_id": claim.document_id}
