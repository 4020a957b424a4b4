"""What a workspace may have: its plan's limits, or its own where it has some."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Allowance:
    """
    Limits of one workspace.

    Those `_per_minute` are of all its keys together, but for `address_requests_per_minute`: of one client
    address with one publishable key. `queries` and `action_runs` are by the month, `documents` and `bytes`
    what the knowledge base may hold at once.
    """

    plan: str
    # False: secret keys are refused.
    api_access: bool
    requests_per_minute: int
    widget_requests_per_minute: int
    address_requests_per_minute: int
    knowledge_writes_per_minute: int
    queries: int
    documents: int
    bytes: int
    action_runs: int

    def with_own(self, limits: Mapping[str, int]) -> "Allowance":
        """Return it with a workspace's own limits, by the names in `LIMITS`, in place of the plan's."""
        return replace(self, **limits)  # type: ignore[arg-type]


# The names of the limits that a workspace can have of its own.
LIMITS = tuple(each.name for each in fields(Allowance) if each.name not in ("plan", "api_access"))
