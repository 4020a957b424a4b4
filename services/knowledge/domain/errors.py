"""What callers are told when it cannot be done."""

from services.kernel.errors import DomainError, ErrorKind


class DocumentNotFound(DomainError):
    """The document does not exist in the caller's workspace."""

    kind = ErrorKind.NOT_FOUND
    reason = "DOCUMENT_NOT_FOUND"


class ExternalIdTaken(DomainError):
    """Another document of the workspace has this `external_id`."""

    kind = ErrorKind.ALREADY_EXISTS
    reason = "EXTERNAL_ID_TAKEN"

    def __init__(self, document_id: str) -> None:
        super().__init__("A document with this external_id exists.", metadata={"document_id": document_id})


class EtagMismatch(DomainError):
    """The document has changed since the caller read it."""

    kind = ErrorKind.FAILED_PRECONDITION
    reason = "ETAG_MISMATCH"


class QuotaExceeded(DomainError):
    """The knowledge base has no room for more."""

    kind = ErrorKind.RESOURCE_EXHAUSTED
    reason = "QUOTA_EXCEEDED"

    def __init__(self, quota: str, limit: int, retry_after: float) -> None:
        """`quota`: documents or bytes."""
        super().__init__(
            f"The knowledge base's quota of {quota} is used up: it may hold {limit:,} {quota}.",
            metadata={"quota": quota, "limit": str(limit)},
            retry_after=retry_after,
        )


class OperationNotFound(DomainError):
    """The operation does not exist in the caller's workspace."""

    kind = ErrorKind.NOT_FOUND
    reason = "OPERATION_NOT_FOUND"


class VersionNotFound(DomainError):
    """The document has no such version, or it is not kept any more."""

    kind = ErrorKind.NOT_FOUND
    reason = "VERSION_NOT_FOUND"


class RevisionNotKept(DomainError):
    """What the knowledge base held at a revision is not kept any more."""

    kind = ErrorKind.NOT_FOUND
    reason = "REVISION_NOT_KEPT"


class OperationRunning(DomainError):
    """The operation has not ended."""

    kind = ErrorKind.FAILED_PRECONDITION
    reason = "OPERATION_RUNNING"


class NothingToRetry(DomainError):
    """Nothing of the operation can be tried again."""

    kind = ErrorKind.FAILED_PRECONDITION
    reason = "NOTHING_TO_RETRY"


class OperationFinished(DomainError):
    """The operation has ended."""

    kind = ErrorKind.FAILED_PRECONDITION
    reason = "OPERATION_FINISHED"


class ReindexRunning(DomainError):
    """A re-index of the workspace is running."""

    kind = ErrorKind.FAILED_PRECONDITION
    reason = "REINDEX_RUNNING"


class NoPreviousGeneration(DomainError):
    """There is no earlier generation to go back to."""

    kind = ErrorKind.FAILED_PRECONDITION
    reason = "NO_PREVIOUS_GENERATION"


class ModelMismatch(DomainError):
    """Vectors of two models would meet in one index."""


class ClaimLost(Exception):
    """The document was edited, deleted or claimed by another indexer meanwhile; the work is void."""


class IndexingFailed(Exception):
    """The document can't be indexed as it is, however often it is tried."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
