"""The ledger: what services have counted, by day. It is the truth about usage."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from gateway.access.domain.keys.known_key import Used
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId


class Kind(StrEnum):
    """What is counted by the month."""

    QUERIES = "queries"
    ACTION_RUNS = "action_runs"


class Channel(StrEnum):
    """Which way it came: with a secret key, with a publishable one, in a batch."""

    API = "api"
    WIDGET = "widget"
    BATCH = "batch"


@dataclass(frozen=True)
class UsageCount:
    """
    What one source has counted of a workspace on one day (UTC): totals, which only grow.

    `counted` was done; `uncounted` was let through by the gateway and failed.
    """

    workspace_id: WorkspaceId
    kind: Kind
    channel: Channel
    day: date
    counted: int
    uncounted: int = 0


@dataclass(frozen=True)
class KnowledgeStock:
    """What a knowledge base holds; `version` grows with every change."""

    workspace_id: WorkspaceId
    documents: int
    bytes: int
    version: int


@dataclass(frozen=True)
class Totals:
    """A workspace's queries of a month that are accounted for: answered ones, and failed ones."""

    counted: int = 0
    uncounted: int = 0

    @property
    def accounted(self) -> int:
        """How many of those that the gateway let through have ended."""
        return self.counted + self.uncounted


@dataclass(frozen=True)
class MonthUsage:
    """What a workspace has used: queries (by channel) and action runs of a month, documents and bytes now."""

    queries: Mapping[Channel, int] = field(default_factory=dict)
    uncounted_queries: int = 0
    action_runs: int = 0
    documents: int = 0
    bytes: int = 0

    @property
    def used(self) -> Used:
        """What is held against the limits."""
        return Used(sum(self.queries.values()), self.documents, self.bytes, self.action_runs)

    @property
    def totals(self) -> Totals:
        """Its queries."""
        return Totals(sum(self.queries.values()), self.uncounted_queries)


class LedgerTotals(Protocol):
    """Tells what the gateway's own count of queries is rebuilt and put right from."""

    def totals(self, workspace_id: WorkspaceId, month: Month) -> Totals:
        """
        Return a workspace's queries of a month.

        Raises:
            Unavailable: the ledger can't be read.
        """

    def totals_of(self, workspaces: Collection[WorkspaceId], month: Month) -> Mapping[WorkspaceId, Totals]:
        """Return what `totals` says of several workspaces."""


class Ledger(LedgerTotals, Protocol):
    """Keeps what services report. Everything raises Unavailable while it can't be reached."""

    def take_over(self, source: str, counts: Sequence[UsageCount], stocks: Sequence[KnowledgeStock]) -> None:
        """
        Keep a report, all of it or nothing.

        Of totals the greater ones stay, of stocks the newer ones: reports may be repeated, and overtake each
        other. Totals of several sources add up.
        """

    def usage(self, workspace_id: WorkspaceId, month: Month) -> MonthUsage:
        """Return what a workspace has used in a month; nothing where nothing was reported."""
