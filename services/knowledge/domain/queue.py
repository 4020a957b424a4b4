"""The indexing queue: who takes what, for how long, and what happens when it goes wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from typing import NewType

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import ContentType, DocumentId, Failure
from services.knowledge.domain.generation import Generation

IndexerId = NewType("IndexerId", str)

MAX_ATTEMPTS = 5
# Indexers that died with a document in hand. More than attempts: killing indexers is no fault of a document.
MAX_LAPSES = 20

# So many documents give the pace of a workspace. One that took longer than this waited for something else.
_RECENT = 50
_LEAST_SECONDS, _MOST_SECONDS = 0.05, 60.0

GAVE_UP = Failure("INDEXING_FAILED", f"Indexing failed {MAX_ATTEMPTS} times; the log has the reasons.")
# From so many on, a document is taken alone: if it is what kills indexers, nothing else suffers.
_SUSPICIOUS = 3

CRASHED = Failure("INDEXING_CRASHED", f"Indexing it ended {MAX_LAPSES} times without a result.")
CANCELLED = Failure("CANCELLED", "Its indexing was cancelled before it began.")


@dataclass(frozen=True)
class Waiting:
    """A document in the queue that could be claimed now."""

    workspace_id: WorkspaceId
    document_id: DocumentId
    lapses: int = 0


@dataclass(frozen=True)
class Claim:
    """
    The right to index one document at one content version.

    `fence` grows with every claim of the document: a commit is valid only while no later one was made.
    `anew`: what the index has of it is embedded, too.
    """

    workspace_id: WorkspaceId
    document_id: DocumentId
    content_version: int
    fence: int
    attempts: int = 0
    lapses: int = 0
    anew: bool = False


@dataclass(frozen=True)
class Target:
    """
    A generation that a claimed document's passages are to be written into, and those that need not be made.

    Passages of the time before there were units have to be made anew.
    """

    generation: Generation
    chunk_ids: frozenset[str]


@dataclass(frozen=True)
class Source:
    """What a claimed document is made of, and what for; no targets: all generations have it."""

    title: str
    content_type: ContentType
    content: bytes
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Pace:
    """
    How long a workspace's documents take, one after the other, of late.

    A mean of the newest ones. What lies before a document came, or between two that nothing waited for, is
    rest and counts for nothing. `at`: when the last one was finished.
    """

    mean_seconds: float = 1.0
    documents: int = 0
    at: datetime | None = None

    @property
    def seconds(self) -> float:
        """How long the next one will take, never nothing."""
        return max(_LEAST_SECONDS, self.mean_seconds)

    def after(self, queued_at: datetime, now: datetime) -> "Pace":
        """Return the pace after a document that was queued at an instant is finished."""
        begun = queued_at if self.at is None else max(queued_at, self.at)
        took = min(_MOST_SECONDS, max(0.0, (now - begun).total_seconds()))
        documents = self.documents + 1
        share = 1 / min(documents, _RECENT)
        return Pace(self.mean_seconds + share * (took - self.mean_seconds), min(documents, _RECENT), now)


def fair(queues: Iterable[Sequence[Waiting]], limit: int) -> list[Waiting]:
    """
    Return at most `limit` of several workspaces' queues: one of each in turn, each queue in its order.

    A document that indexers have died of comes alone.
    """
    turns = [each for each in chain.from_iterable(zip_longest(*queues)) if each is not None]
    if turns and turns[0].lapses >= _SUSPICIOUS:
        return turns[:1]
    return [each for each in turns if each.lapses < _SUSPICIOUS][:limit]


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after so many failures: 1, 4, 16, 60 seconds."""
    return timedelta(seconds=min(60, 4 ** max(0, attempts - 1)))
