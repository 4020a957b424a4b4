"""What becomes of a document after an error."""

from dataclasses import dataclass

from services.kernel.errors import Unavailable
from services.knowledge.domain.document import Failure
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.domain.queue import GAVE_UP, MAX_ATTEMPTS, Claim, backoff

_UNAVAILABLE_SECONDS = 5


@dataclass(frozen=True)
class Again:
    """It is tried again after so many seconds; `attempts` have failed by its own fault."""

    seconds: float
    attempts: int


def verdict(claim: Claim, error: Exception) -> Failure | Again:
    """Return whether a document is given up, or when it is tried again."""
    match error:
        case IndexingFailed():
            return Failure(error.code, error.detail)
        case Unavailable():  # no fault of the document
            return Again(_UNAVAILABLE_SECONDS, claim.attempts)
    attempts = claim.attempts + 1
    return GAVE_UP if attempts >= MAX_ATTEMPTS else Again(backoff(attempts).total_seconds(), attempts)
