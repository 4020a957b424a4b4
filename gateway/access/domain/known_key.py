"""All that the check needs to know of a key, in one look-up."""

from dataclasses import dataclass

from gateway.access.domain.allowance import Allowance
from gateway.access.domain.key import Key


@dataclass(frozen=True)
class Used:
    """What a workspace has used: queries and action runs of the month (UTC), documents and bytes now."""

    queries: int = 0
    documents: int = 0
    bytes: int = 0
    action_runs: int = 0


@dataclass(frozen=True)
class KnownKey:
    """A key, and of its workspace what it may have, what it has used, and whether it was closed."""

    key: Key
    allowance: Allowance
    used: Used = Used()
    workspace_closed: bool = False
