"""All that the check needs to know of a key, in one look-up."""

from dataclasses import dataclass, replace

from gateway.access.domain.keys.key import Key
from gateway.access.domain.workspaces.allowance import Allowance


@dataclass(frozen=True)
class Used:
    """What a workspace has used: queries and action runs of the month (UTC), documents and bytes now."""

    queries: int = 0
    documents: int = 0
    bytes: int = 0
    action_runs: int = 0

    def with_queries(self, queries: int) -> "Used":
        """Return the same with so many queries, unless it is known of more: their count only grows."""
        return self if queries <= self.queries else replace(self, queries=queries)


@dataclass(frozen=True)
class KnownKey:
    """A key, and of its workspace what it may have, what it has used, and whether it was closed."""

    key: Key
    allowance: Allowance
    used: Used = Used()
    workspace_closed: bool = False
