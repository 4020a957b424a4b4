"""How far operations are, counted from their items."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import Status as DocumentStatus
from services.knowledge.domain.operation import Counts, ItemState, Kind, OperationId, Status
from services.knowledge.storage.tables import DOCUMENTS, OPERATION_ITEMS

_BEGUN = (DocumentStatus.INDEXING, DocumentStatus.PUBLISHING)


def counts(
    connection: sa.Connection, workspace_id: WorkspaceId, ids: Iterable[OperationId]
) -> dict[OperationId, Counts]:
    """Return how many documents of each operation are in which state; of one without any, nothing."""
    i = OPERATION_ITEMS.c
    query = (
        sa.select(
            i.operation_id,
            i.state,
            sa.func.count().label("items"),
            sa.func.sum(sa.case((i.unchanged.is_(True), 1), else_=0)).label("unchanged"),
        )
        .where(i.workspace_id == workspace_id, i.operation_id.in_(list(ids)))
        .group_by(i.operation_id, i.state)
    )
    states: dict[OperationId, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(query):
        states[OperationId(row.operation_id)][row.state] = row.items
        if row.state == ItemState.DONE:
            states[OperationId(row.operation_id)]["unchanged"] = row.unchanged
    return {operation_id: Counts(**each) for operation_id, each in states.items()}


def begun(connection: sa.Connection, workspace_id: WorkspaceId, ids: Collection[OperationId]) -> set[str]:
    """Return those of which a document is being worked on."""
    i, d = OPERATION_ITEMS.c, DOCUMENTS.c
    joined = OPERATION_ITEMS.join(DOCUMENTS, sa.and_(d.workspace_id == i.workspace_id, d.id == i.document_id))
    query = (
        sa.select(i.operation_id)
        .distinct()
        .select_from(joined)
        .where(
            i.workspace_id == workspace_id,
            i.operation_id.in_(list(ids)),
            i.state == ItemState.PENDING,
            d.status.in_(_BEGUN),
        )
    )
    return set(connection.execute(query).scalars())


def status(row: sa.Row[Any], count: Counts, *, worked_on: bool) -> Status:
    """Return what an operation's row and its documents amount to."""
    if row.outcome is not None:
        return Status(row.outcome)
    if row.generation is not None:
        return Status.RUNNING
    return count.status(begun=worked_on or row.kind == Kind.DELETE)
