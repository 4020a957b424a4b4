"""What knowledge bases hold, in the database."""

from collections.abc import Sequence

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.stock import Stock, WorkspaceStock
from services.knowledge.storage.bases import Insert
from services.knowledge.storage.tables import KNOWLEDGE_STOCKS


class SqlStocks:
    """Stocks in one transaction."""

    def __init__(self, connection: sa.Connection, insert: Insert) -> None:
        self._connection = connection
        self._insert = insert

    def get(self, workspace_id: WorkspaceId) -> Stock:
        """Return the stock; whoever is to change it has locked the base."""
        c = KNOWLEDGE_STOCKS.c
        query = sa.select(c.documents, c.bytes, c.version).where(c.workspace_id == workspace_id)
        row = self._connection.execute(query).one_or_none()
        return Stock() if row is None else Stock(row.documents, row.bytes, row.version)

    def put(self, workspace_id: WorkspaceId, stock: Stock) -> None:
        """Store the stock at its next version."""
        values = {"documents": stock.documents, "bytes": stock.bytes, "version": stock.version}
        insert = self._insert(KNOWLEDGE_STOCKS).values(
            workspace_id=workspace_id, reported_version=0, **values
        )
        self._connection.execute(insert.on_conflict_do_update(index_elements=["workspace_id"], set_=values))

    def unreported(self, limit: int) -> list[WorkspaceStock]:
        """Return at most `limit` stocks that access has not been told."""
        c = KNOWLEDGE_STOCKS.c
        query = (
            sa.select(KNOWLEDGE_STOCKS)
            .where(c.version > c.reported_version)
            .order_by(c.workspace_id)
            .limit(limit)
        )
        return [
            WorkspaceStock(WorkspaceId(row.workspace_id), Stock(row.documents, row.bytes, row.version))
            for row in self._connection.execute(query)
        ]

    def reported(self, stocks: Sequence[WorkspaceStock]) -> None:
        """Note that access has been told these."""
        c = KNOWLEDGE_STOCKS.c
        # In the order of their ids, so that two reporters lock in one order.
        for each in sorted(stocks, key=lambda one: one.workspace_id):
            version = each.stock.version
            self._connection.execute(
                KNOWLEDGE_STOCKS.update()
                .where(c.workspace_id == each.workspace_id, c.reported_version < version)
                .values(reported_version=version)
            )
