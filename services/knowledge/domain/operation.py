"""An operation: the work that one write has caused, and how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from services.knowledge.domain.document import DocumentId, Failure
from services.knowledge.domain.receipt import Receipt

OperationId = NewType("OperationId", str)

MAX_ERRORS = 1000


class Kind(StrEnum):
    """What the write was."""

    WRITE = "document_write"
    BATCH = "document_batch"
    DELETE = "document_delete"
    REINDEX = "reindex"
    ROLLBACK = "reindex_rollback"


class ItemState(StrEnum):
    """How far one document of an operation is."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """How far an operation is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PARTIALLY_FAILED = "partially_failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Item:
    """
    One document of an operation.

    A pending write waits until its document is indexed at `content_version` or beyond, a pending deletion
    until nothing is left of its document. With a `generation`, it waits until that one has the document.
    `unchanged`: the write asked for what was already there.
    """

    place: int
    document_id: DocumentId | None
    external_id: str
    state: ItemState = ItemState.PENDING
    content_version: int = 0
    unchanged: bool = False
    generation: int | None = None
    error: Failure | None = None


@dataclass(frozen=True)
class NewOperation:
    """An operation as it is accepted; one that makes a `generation` ends when that serves, or never will."""

    id: OperationId
    kind: Kind
    created_at: datetime
    items: Sequence[Item]
    generation: int | None = None


@dataclass(frozen=True)
class Counts:
    """How many documents of an operation are in which state; `unchanged` are among `done`."""

    pending: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    unchanged: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.pending + self.done + self.failed + self.cancelled

    def status(self, *, begun: bool) -> Status:
        """Return what they amount to; `begun`: some pending one is being worked on."""
        if self.pending:
            return Status.RUNNING if begun or self.pending < self.total else Status.QUEUED
        if self.cancelled:
            return Status.CANCELLED
        if not self.failed:
            return Status.SUCCEEDED
        return Status.FAILED if self.failed == self.total else Status.PARTIALLY_FAILED


@dataclass(frozen=True)
class ItemError:
    """One failure of an operation: which document, and why."""

    place: int
    document_id: DocumentId | None
    external_id: str
    failure: Failure


@dataclass(frozen=True)
class Operation:
    """An operation as callers see it."""

    id: OperationId
    kind: Kind
    status: Status
    counts: Counts
    errors: Sequence[ItemError]
    created_at: datetime
    finished_at: datetime | None
    generation: int | None = None
    receipt: Receipt | None = None
