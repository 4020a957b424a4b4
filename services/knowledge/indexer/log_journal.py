"""What the indexer tells its log."""

import structlog

from services.knowledge.domain.document import Failure
from services.knowledge.domain.queue import Claim

_log = structlog.get_logger(__name__)


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
