"""Where an indexer tells what it does."""

from typing import Protocol

from services.knowledge.domain.document import Failure
from services.knowledge.domain.queue import Claim


class Journal(Protocol):
    """The indexer's journal."""

    def indexed(self, claim: Claim, chunks: int, embedded: int) -> None:
        """A document's passages are in the feed; so many of them were embedded anew."""
        ...

    def failed(self, claim: Claim, failure: Failure) -> None:
        """A document was given up."""
        ...

    def postponed(self, claim: Claim, error: Exception) -> None:
        """A document will be tried again."""
        ...

    def lost(self, claim: Claim) -> None:
        """A document was edited, deleted or taken over meanwhile."""
        ...
