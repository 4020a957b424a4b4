"""What can go wrong in a search replica."""

from services.kernel.errors import DomainError, ErrorKind


class IndexBehind(DomainError):
    """The replica has not reached the revision that was asked for within the caller's time."""

    kind = ErrorKind.UNAVAILABLE
    reason = "INDEX_BEHIND"


class EmbeddingModelMismatch(DomainError):
    """The question's vector is of another model than the index; the metadata names the index's."""

    kind = ErrorKind.FAILED_PRECONDITION
    reason = "EMBEDDING_MODEL_MISMATCH"

    def __init__(self, embedding_model: str) -> None:
        super().__init__(
            f"The index is of the embedding model {embedding_model}.",
            metadata={"embedding_model": embedding_model},
        )


class RevisionNotKept(DomainError):
    """What the knowledge base held at a revision is not kept any more."""

    kind = ErrorKind.NOT_FOUND
    reason = "REVISION_NOT_KEPT"


class PastTooLarge(RevisionNotKept):
    """What the knowledge base held at a revision is more than is kept of the past in memory."""


class StoreDamaged(Exception):
    """A workspace's local file can't be read as it was written; it is to be rebuilt from the feed."""


class StoreUnavailable(Exception):
    """A workspace's local file is whole but can't be used now: a full disk, a lock, no permission."""


class ChangesRefused(Exception):
    """The feed sent changes that break its own rules, such as a vector of another length."""


class GenerationUnknown(ChangesRefused):
    """The feed knows no such generation: a re-index that was given up since it was named."""


class CollectionClosed(Exception):
    """The collection was put out of memory between finding and using it; find it again."""


class GoingOver(Exception):
    """The workspace goes over to its next generation within moments; ask again then."""
