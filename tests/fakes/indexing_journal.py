"""A journal of the indexer that remembers."""

from dataclasses import dataclass, field

from services.knowledge.domain.document import DocumentId, Failure
from services.knowledge.domain.queue import Claim


@dataclass
class RecordedJournal:
    """What the indexer told, in order."""

    claims: list[Claim] = field(default_factory=list)
    embedded: list[tuple[DocumentId, int]] = field(default_factory=list)
    failures: list[tuple[DocumentId, Failure]] = field(default_factory=list)
    errors: list[tuple[DocumentId, Exception]] = field(default_factory=list)
    losses: list[DocumentId] = field(default_factory=list)

    def indexed(self, claim: Claim, chunks: int, embedded: int) -> None:
        """A document's passages are in the feed."""
        self.claims.append(claim)
        self.embedded.append((claim.document_id, embedded))

    def failed(self, claim: Claim, failure: Failure) -> None:
        """A document was given up."""
        self.failures.append((claim.document_id, failure))

    def postponed(self, claim: Claim, error: Exception) -> None:
        """A document will be tried again."""
        self.errors.append((claim.document_id, error))

    def lost(self, claim: Claim) -> None:
        """A document was edited, deleted or taken over meanwhile."""
        self.losses.append(claim.document_id)
