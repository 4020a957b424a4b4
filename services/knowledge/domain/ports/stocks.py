"""How much knowledge bases hold, and how much they may."""

from collections.abc import Sequence
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.stock import Allowance, Stock, WorkspaceStock


class Stocks(Protocol):
    """What knowledge bases hold; and what of it access has been told."""

    def get(self, workspace_id: WorkspaceId) -> Stock:
        """Return the stock; whoever is to change it has locked the base."""
        ...

    def put(self, workspace_id: WorkspaceId, stock: Stock) -> None:
        """Store the stock at its next version."""
        ...

    def unreported(self, limit: int) -> list[WorkspaceStock]:
        """Return at most `limit` stocks that access has not been told."""
        ...

    def reported(self, stocks: Sequence[WorkspaceStock]) -> None:
        """Note that access has been told these."""
        ...


class Allowances(Protocol):
    """How much workspaces may have."""

    def of(self, workspace_id: WorkspaceId) -> Allowance | None:
        """Return what a workspace may have; None where nobody can say: it is not to be held up then."""
        ...
