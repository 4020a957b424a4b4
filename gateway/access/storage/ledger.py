"""The ledger of usage in the database."""

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from gateway.access.domain.usage.ledger import (
    Channel,
    Kind,
    KnowledgeStock,
    MonthUsage,
    Totals,
    UsageCount,
)
from gateway.access.domain.usage.month import Month
from gateway.access.storage.schema import knowledge_stocks, usage_counts
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database


class StoredLedger:
    """Implements `Ledger`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keep_counts = _keep_greater(database)
        self._keep_stocks = _keep_newer(database)

    def take_over(self, source: str, counts: Sequence[UsageCount], stocks: Sequence[KnowledgeStock]) -> None:
        """Keep a report in one transaction: the greater totals, the newer stocks."""
        # In one order for all processes, so that they never wait for each other in a ring.
        rows = sorted(
            ({**vars(each), "source": source} for each in counts),
            key=lambda row: (row["workspace_id"], row["kind"], row["day"], row["channel"]),
        )
        held = sorted((vars(each) for each in stocks), key=lambda row: row["workspace_id"])
        with self._database.write() as connection:
            if rows:
                connection.execute(self._keep_counts, rows)
            if held:
                connection.execute(self._keep_stocks, held)

    def totals(self, workspace_id: WorkspaceId, month: Month) -> Totals:
        """Return a workspace's queries of a month."""
        return self.totals_of([workspace_id], month).get(workspace_id, Totals())

    def totals_of(self, workspaces: Collection[WorkspaceId], month: Month) -> Mapping[WorkspaceId, Totals]:
        """Return the queries of several workspaces; those of which nothing was reported are missing."""
        c = usage_counts.c
        query = (
            sa.select(c.workspace_id, _sum(c.counted), _sum(c.uncounted))
            .where(c.workspace_id.in_(workspaces), c.kind == Kind.QUERIES, *_within(month))
            .group_by(c.workspace_id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {WorkspaceId(each): Totals(counted, uncounted) for each, counted, uncounted in rows}

    def usage(self, workspace_id: WorkspaceId, month: Month) -> MonthUsage:
        """Return what a workspace has used in a month."""
        c, stock = usage_counts.c, knowledge_stocks.c
        counts = (
            sa.select(c.kind, c.channel, _sum(c.counted), _sum(c.uncounted))
            # The kinds, so that the days are found by the index.
            .where(c.workspace_id == workspace_id, c.kind.in_(list(Kind)), *_within(month))
            .group_by(c.kind, c.channel)
        )
        held = sa.select(stock.documents, stock.bytes).where(stock.workspace_id == workspace_id)
        with self._database.read() as connection:
            rows = connection.execute(counts).all()
            documents, size = connection.execute(held).first() or (0, 0)
        queries = [(channel, *sums) for kind, channel, *sums in rows if kind == Kind.QUERIES]
        return MonthUsage(
            queries={Channel(channel): counted for channel, counted, _ in queries},
            uncounted_queries=sum(uncounted for *_, uncounted in queries),
            action_runs=sum(counted for kind, _, counted, _ in rows if kind == Kind.ACTION_RUNS),
            documents=documents,
            bytes=size,
        )


def _keep_greater(database: Database) -> sa.Insert:
    insert = database.insert(usage_counts)
    c, new = usage_counts.c, insert.excluded
    return insert.on_conflict_do_update(
        index_elements=[*usage_counts.primary_key],
        set_={
            "counted": sa.case((new.counted > c.counted, new.counted), else_=c.counted),
            "uncounted": sa.case((new.uncounted > c.uncounted, new.uncounted), else_=c.uncounted),
        },
    )


def _keep_newer(database: Database) -> sa.Insert:
    insert = database.insert(knowledge_stocks)
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=[knowledge_stocks.c.workspace_id],
        set_={"documents": new.documents, "bytes": new.bytes, "version": new.version},
        where=new.version > knowledge_stocks.c.version,
    )


def _within(month: Month) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    day = usage_counts.c.day
    return day >= month.start.date(), day < month.end.date()


def _sum(column: sa.Column[int]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.sum(column), sa.BigInteger)
