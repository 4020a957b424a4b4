"""What can go wrong in a search replica."""

from services.kernel.errors import DomainError, ErrorKind


class IndexBehind(DomainError):
    """The replica has not reached the revision that was asked for within the caller's time."""

    kind = ErrorKind.UNAVAILABLE
    reason = "INDEX_BEHIND"


class StoreDamaged(Exception):
    """A workspace's local file can't be read as it was written; it is to be rebuilt from the feed."""


class StoreUnavailable(Exception):
    """A workspace's local file is whole but can't be used now: a full disk, a lock, no permission."""


class ChangesRefused(Exception):
    """The feed sent changes that break its own rules, such as a vector of another length."""


class CollectionClosed(Exception):
    """The collection was put out of memory between finding and using it; find it again."""
