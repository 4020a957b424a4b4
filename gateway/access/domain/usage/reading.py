"""What a workspace has used and may have, as it is told to callers and services."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from gateway.access.domain.keys.known_key import Used
from gateway.access.domain.usage.arrivals import Arrivals
from gateway.access.domain.usage.counters import QueryCounters
from gateway.access.domain.usage.ledger import Ledger, MonthUsage
from gateway.access.domain.usage.month import Month
from gateway.access.domain.workspaces.allowance import Allowance
from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId

# How long a reader waits for answers that are out to be in the ledger.
PATIENCE_SECONDS = 0.25
# How long for one report, since others' are not announced.
_GLANCE_SECONDS = 0.025


class Allowances(Protocol):
    """Tells what workspaces may have."""

    def allowance(self, workspace_id: WorkspaceId) -> Allowance:
        """
        Return what a workspace may have, a live one or a test twin.

        Raises:
            WorkspaceNotFound: there is none of that id.
            Unavailable: the store can't be asked.
        """


@dataclass(frozen=True)
class Reading:
    """A workspace's month."""

    month: Month
    allowance: Allowance
    usage: MonthUsage

    @property
    def requests_per_minute(self) -> int:
        """The limit that its requests meet: without API access, that of the widget."""
        allowance = self.allowance
        return allowance.requests_per_minute if allowance.api_access else allowance.widget_requests_per_minute


class UsageReading:
    """Reads the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        counters: QueryCounters,
        allowances: Allowances,
        arrivals: Arrivals,
        clock: Clock,
        aside: Callable[[], AbstractContextManager[bool]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`aside`: within it the present call may wait; False: too many do, this one must not."""
        self._ledger = ledger
        self._counters = counters
        self._allowances = allowances
        self._arrivals = arrivals
        self._clock = clock
        self._aside = aside
        self._monotonic = monotonic

    def read(self, workspace_id: WorkspaceId) -> Reading:
        """
        Return a workspace's month.

        Who has an answer finds it counted: while the gateway has let through more than the ledger knows of,
        this waits for reports, a quarter of a second at most.

        Raises:
            WorkspaceNotFound, Unavailable: as they say.
        """
        month = self._month()
        allowance = self._allowances.allowance(workspace_id)
        admitted = self._counters.admitted(workspace_id, month) or 0
        usage = self._ledger.usage(workspace_id, month)
        if usage.totals.accounted < admitted:
            usage = self._accounted(workspace_id, month, admitted, usage)
        return Reading(month, allowance, usage)

    def used(self, workspace_id: WorkspaceId) -> Used:
        """Return what the ledger holds against a workspace's limits now; raise Unavailable."""
        return self._ledger.usage(workspace_id, self._month()).used

    def allowance(self, workspace_id: WorkspaceId) -> tuple[Allowance, Month]:
        """Return what a workspace may have, and the month that it is for; raises as `read` does."""
        return self._allowances.allowance(workspace_id), self._month()

    def _accounted(
        self, workspace_id: WorkspaceId, month: Month, admitted: int, usage: MonthUsage
    ) -> MonthUsage:
        end = self._monotonic() + PATIENCE_SECONDS
        with self._aside() as may_wait:
            while may_wait and usage.totals.accounted < admitted and (left := end - self._monotonic()) > 0:
                self._arrivals.wait(min(left, _GLANCE_SECONDS))
                usage = self._ledger.usage(workspace_id, month)
        if usage.totals.accounted < admitted:
            # Who let them through may be gone: none but a reader would have it put right.
            self._counters.note(workspace_id, month)
        return usage

    def _month(self) -> Month:
        return Month.of(self._clock.now())
