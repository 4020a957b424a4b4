"""What a request is counted against, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.kernel.ids import WorkspaceId


class Meter(StrEnum):
    """What a request to a route counts as; the words of the routes' rules."""

    REQUEST = "request"
    QUERY = "query"
    KNOWLEDGE_WRITE = "knowledge_write"


@dataclass(frozen=True)
class Bucket:
    """
    A limit by the minute: holds `limit` tokens, gets one back every 60 / `limit` seconds (GCRA, ITU-T I.371).

    `name` is unique in the installation; `policy` is what callers read in `RateLimit-Policy`: key, workspace,
    address or knowledge-writes. One that does not refuse is counted down to 0 and no further.
    """

    name: str
    policy: str
    limit: int
    refuses: bool = True


@dataclass(frozen=True)
class Account:
    """
    What one request of a workspace takes a token from, all or nothing.

    `queries`: how many the workspace may make in a month (by UTC); None: the request is no query.
    """

    workspace_id: WorkspaceId
    buckets: tuple[Bucket, ...]
    queries: int | None = None


@dataclass(frozen=True)
class Level:
    """A bucket after a request: whole tokens left, and seconds until it is full again."""

    bucket: Bucket
    remaining: int
    full_in: float


@dataclass(frozen=True)
class Admitted:
    """The request may pass. `queries_used`: of the month, this one included; None where it is no query."""

    levels: Sequence[Level]
    queries_used: int | None = None


@dataclass(frozen=True)
class Exceeded:
    """
    The request may not pass; it took nothing.

    `bucket` is the emptiest one that refused, None: the month's queries are used up. A request after
    `retry_after` seconds is let through unless others were faster.
    """

    levels: Sequence[Level]
    bucket: Bucket | None
    retry_after: float
    queries_used: int | None = None


class Limits(Protocol):
    """Counts requests; right with any number of processes that share the counters."""

    def admit_at_once(self, account: Account) -> Admitted | Exceeded | None:
        """
        Count a request on what this process has set aside, or refuse it for what it knows, without I/O.

        None: `admit` has to say.
        """

    def admit(self, account: Account) -> Admitted | Exceeded:
        """Count a request, or refuse it; never raises. Without the shared counters its own decide."""
