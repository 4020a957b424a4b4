"""What limits are counted in: shared by all gateways, or this process' own."""

from dataclasses import dataclass
from typing import Protocol

from gateway.access.domain.metering import Account
from gateway.access.domain.usage.ledger import Totals
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId

# Tokens are taken ahead of use only as this part of what is left: far from a limit that saves most of the
# calls, near it every request is counted by itself.
AHEAD = 16


class CountersUnavailable(Exception):
    """The counters can't be reached; whether they counted is not known."""


@dataclass(frozen=True)
class Counted:
    """
    A workspace's queries of a month: let through so far, and of these the ones that don't count.

    `born` tells this count from another that was begun after it was lost.
    """

    admitted: int
    uncounted: int
    born: int

    @property
    def used(self) -> int:
        """How many are held against the limit."""
        return self.admitted - self.uncounted


@dataclass(frozen=True)
class Taken:
    """
    What came of a `take`: tokens out of each bucket (0: refused), and the state afterwards.

    `full_in`: microseconds until each of the account's buckets is full again; `counted`: of the month, None
    where it was not asked for.
    """

    tokens: int
    full_in: tuple[int, ...]
    counted: Counted | None = None


class Counters(Protocol):
    """
    Counts; every method is one step that others see whole or not at all.

    Each may raise CountersUnavailable.
    """

    def take(self, account: Account, month: Month, least: int, most: int) -> Taken | None:
        """
        Take tokens out of all buckets of an account and, where it has `queries`, of the month.

        As many as all of them have, up to `least`; or `most`, if that is not more than 1/16 of what each of
        them has left, else that part. A bucket that does not refuse has as many as are asked for.
        None: the month's count is missing, nothing was taken.
        """

    def give_back(self, account: Account, month: Month, tokens: int, counted: Counted | None) -> None:
        """
        Put back tokens that were taken and not used.

        `counted` is the month's as they were taken: they do not go back into another count.
        """

    def rebuild(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """Begin a month's count that is missing, with what the ledger says; else do as `account`."""

    def account(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """
        Take over what the ledger says; it only grows.

        What was let through is at least what is accounted for. A count that is missing stays so.
        """

    def settle(self, workspace_id: WorkspaceId, month: Month, totals: Totals, quiet: int) -> bool:
        """
        Drop what was let through and will never be accounted for; tell whether all is accounted for now.

        That is all that is open where nothing was let through for `quiet` seconds; else the least that was
        open whenever this was asked in the last `quiet` seconds. A count that is missing is rebuilt.
        """

    def counted(self, workspace_id: WorkspaceId, month: Month) -> Counted | None:
        """Return a month's count; None where it is missing."""
