"""What a knowledge base holds, and how much it may."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.errors import QuotaExceeded


@dataclass(frozen=True)
class Stock:
    """The documents that are not deleted and their contents' bytes; `version` grows with every change."""

    documents: int = 0
    bytes: int = 0
    version: int = 0


@dataclass(frozen=True)
class WorkspaceStock:
    """The stock of a workspace."""

    workspace_id: WorkspaceId
    stock: Stock


@dataclass(frozen=True)
class Allowance:
    """How much a workspace's knowledge base may hold, until the end of the month at least."""

    documents: int
    bytes: int
    period_end: datetime


class Shelf:
    """
    The stock while one request changes it. Without an allowance it takes everything.

    What makes it smaller always works, also above the allowance: plans can be changed for smaller ones.
    """

    def __init__(self, stock: Stock, allowance: Allowance | None, now: datetime) -> None:
        self._before = stock
        self.stock = stock
        self._allowance = allowance
        self._now = now

    @property
    def changed(self) -> bool:
        """Whether there is another stock than before."""
        return self.stock != self._before

    def changed_stock(self) -> Stock:
        """Return the stock as a new version."""
        return replace(self.stock, version=self._before.version + 1)

    def add(self, size: int) -> None:
        """Take in a document of `size` bytes; raise QuotaExceeded, and nothing has changed."""
        self._become(self.stock.documents + 1, self.stock.bytes + size)

    def replace(self, before: int, after: int) -> None:
        """Let a document of `before` bytes have `after`; raise QuotaExceeded, and nothing has changed."""
        self._become(self.stock.documents, self.stock.bytes - before + after)

    def remove(self, size: int) -> None:
        """Give a document of `size` bytes away."""
        self._become(self.stock.documents - 1, self.stock.bytes - size)

    def _become(self, documents: int, size: int) -> None:
        allowance = self._allowance
        if allowance is not None:
            wait = (allowance.period_end - self._now).total_seconds()
            if documents > max(allowance.documents, self.stock.documents):
                raise QuotaExceeded("documents", allowance.documents, wait)
            if size > max(allowance.bytes, self.stock.bytes):
                raise QuotaExceeded("bytes", allowance.bytes, wait)
        self.stock = replace(self.stock, documents=documents, bytes=size)
