"""The shared count of the month's queries, as the ledger sees to it."""

import threading
from collections.abc import Callable, Sequence

from gateway.access.domain.limits.counters import Counters, CountersUnavailable
from gateway.access.domain.limits.leases import Leases
from gateway.access.domain.metering import Account
from gateway.access.domain.usage.counters import QUIET_SECONDS
from gateway.access.domain.usage.ledger import LedgerTotals, Totals
from gateway.access.domain.usage.month import Month
from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId

# How long a ledger that did not answer is left alone, in microseconds: requests wait for it.
_LEDGER_PAUSE = 1_000_000


class MonthlyCounts:
    """Implements `QueryCounters`; knows which months this process has counted in."""

    def __init__(
        self, counters: Counters, ledger: LedgerTotals, leases: Leases, now: Callable[[], int]
    ) -> None:
        self._counters = counters
        self._ledger = ledger
        self._leases = leases
        self._now = now
        self._lock = threading.Lock()
        # By month, how often it was counted in: what was counted while it was settled is not settled.
        self._unsettled: dict[tuple[WorkspaceId, Month], int] = {}
        self._not_before = 0

    def note(self, workspace_id: WorkspaceId, month: Month) -> None:
        """Remember that queries of a month were let through."""
        key = workspace_id, month
        with self._lock:
            self._unsettled[key] = self._unsettled.get(key, 0) + 1

    def rebuild(self, workspace_id: WorkspaceId, month: Month) -> bool:
        """
        Begin a count that is missing; False: the ledger can't be read.

        Raises:
            CountersUnavailable: they can't be reached.
        """
        if self._now() < self._not_before:
            return False
        try:
            totals = self._ledger.totals(workspace_id, month)
        except Unavailable:
            self._not_before = self._now() + _LEDGER_PAUSE
            return False
        self._counters.rebuild(workspace_id, month, totals)
        return True

    def catch_up(self) -> None:
        """
        Put the counts right in which this process has counted while the counters were away.

        Raises:
            CountersUnavailable: they are away again.
            Unavailable: the ledger can't be read.
        """
        for workspace_id, month in self.unsettled(len(self._unsettled)):
            self._counters.account(workspace_id, month, self._ledger.totals(workspace_id, month))

    def account(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """Take over what the ledger says."""
        try:
            self._counters.account(workspace_id, month, totals)
        except CountersUnavailable:
            self.note(workspace_id, month)

    def admitted(self, workspace_id: WorkspaceId, month: Month) -> int | None:
        """Return how many were let through, without what this process has set aside; None: nobody knows."""
        try:
            counted = self._counters.counted(workspace_id, month)
        except CountersUnavailable:
            return None
        return None if counted is None else counted.admitted - self._leases.held(workspace_id, month)

    def take_back(self, workspace_id: WorkspaceId, month: Month) -> None:
        """Count one less: what was let through was no query. Without the counters it is settled later."""
        try:
            counted = self._counters.counted(workspace_id, month)
            if counted is not None:
                self._counters.give_back(Account(workspace_id, ()), month, 1, counted)
        except CountersUnavailable:
            return

    def unsettled(self, limit: int) -> Sequence[tuple[WorkspaceId, Month]]:
        """Return months that were counted in since they were settled, the longest not looked at first."""
        with self._lock:
            return [key for key, _ in zip(self._unsettled, range(limit), strict=False)]

    def settle(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> bool:
        """Drop what will never be accounted for; tell if all is."""
        key = workspace_id, month
        with self._lock:
            before = self._unsettled.get(key, 0)
        try:
            settled = self._counters.settle(workspace_id, month, totals, int(QUIET_SECONDS))
        except CountersUnavailable:
            return False
        with self._lock:
            times = self._unsettled.pop(key, 0)
            if not settled or times != before:
                # To the end of the row.
                self._unsettled[key] = times
        return settled
