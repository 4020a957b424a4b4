"""The gateway's own count of the month's queries: fast, shared by all gateways, and not the truth."""

from collections.abc import Sequence
from typing import Protocol

from gateway.access.domain.usage.ledger import Totals
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId

# Longer than any request takes, its report included: what was let through so long ago and is not accounted
# for never will be.
QUIET_SECONDS = 75.0


class QueryCounters(Protocol):
    """
    Counts what is let through (`admitted`); the ledger puts it right.

    `used` is admitted − uncounted. What the ledger has only grows, so nothing here ever lowers what it was
    told (counted, uncounted), and admitted is never less than their sum. Nothing raises: where the shared
    counters can't be reached, nothing happens, and the next report or round does it.
    """

    def account(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """Take over what the ledger says. A month that is missing stays so: it is rebuilt when used."""

    def admitted(self, workspace_id: WorkspaceId, month: Month) -> int | None:
        """Return how many were let through, without what this process has set aside; None: nobody knows."""

    def note(self, workspace_id: WorkspaceId, month: Month) -> None:
        """Have a month looked at when the next ones are settled."""

    def unsettled(self, limit: int) -> Sequence[tuple[WorkspaceId, Month]]:
        """Return months that this process has counted in since they were settled, longest waiting first."""

    def settle(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> bool:
        """
        Drop what was let through at least `QUIET_SECONDS` ago and is not accounted for; tell if all is.

        In one step: nothing that is let through meanwhile is lost. A month that is missing is rebuilt.
        """
