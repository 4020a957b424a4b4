"""A document as it is shown, with its place in the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import Document, DocumentId, Status
from services.knowledge.domain.ports.store import Transaction


@dataclass(frozen=True)
class QueuePlace:
    """Where a document waits, from 1, and when it will be ready if all goes on as of late."""

    position: int
    ready_at: datetime


@dataclass(frozen=True)
class Shown:
    """A document as it is shown; content only where it was asked for, a place only while it is queued."""

    document: Document
    content: bytes | None = None
    place: QueuePlace | None = None


def places(
    tx: Transaction, workspace_id: WorkspaceId, documents: Sequence[Document], now: datetime
) -> Mapping[DocumentId, QueuePlace]:
    """Return where those of the documents wait that are queued, each among its own workspace's alone."""
    queued = [each.id for each in documents if each.status is Status.QUEUED]
    if not queued:
        return {}
    pace = tx.queue.pace(workspace_id)
    return {
        document_id: QueuePlace(place, now + timedelta(seconds=pace.seconds * place))
        for document_id, place in tx.queue.places(workspace_id, queued).items()
    }
