"""What the queue's statements are made of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.queue import Claim, Waiting
from services.knowledge.storage.tables import DOCUMENTS, GENERATIONS, INDEXING_TASKS, KNOWLEDGE_BASES


def by_workspace(documents: Iterable[Waiting | Claim]) -> Mapping[WorkspaceId, list[DocumentId]]:
    """Return ids by workspace: for a list of pairs, SQLite would read the whole table."""
    ids: dict[WorkspaceId, list[DocumentId]] = defaultdict(list)
    for each in documents:
        ids[each.workspace_id].append(each.document_id)
    return ids


def claimable(model: str, now: datetime) -> sa.Select[Any]:
    """
    Workspaces with something to claim whose vectors are of this model, or of none yet, by their ids.

    Goes from one workspace to the next in the queue's index, however many documents wait in each.
    """
    t, b, g = INDEXING_TASKS.c, KNOWLEDGE_BASES.c, GENERATIONS.c
    queued = sa.select(sa.func.min(t.workspace_id).label("id")).cte("queued", recursive=True)
    following = sa.select(sa.func.min(t.workspace_id)).where(t.workspace_id > queued.c.id).scalar_subquery()
    queued = queued.union_all(sa.select(following).where(queued.c.id.is_not(None)))
    joined = queued.join(KNOWLEDGE_BASES, b.workspace_id == queued.c.id).outerjoin(
        GENERATIONS, sa.and_(g.workspace_id == b.workspace_id, g.generation == b.generation)
    )
    waits = sa.exists().where(t.workspace_id == queued.c.id, t.not_before <= now, is_free(now))
    return (
        sa.select(queued.c.id)
        .select_from(joined)
        .where(sa.or_(g.embedding_model.is_(None), g.embedding_model == model), waits)
        .order_by(queued.c.id)
    )


def is_task(workspace_id: WorkspaceId, document_id: DocumentId) -> tuple[sa.ColumnElement[bool], ...]:
    """A document's task."""
    t = INDEXING_TASKS.c
    return t.workspace_id == workspace_id, t.document_id == document_id


def is_claimed(workspace_id: WorkspaceId, claim: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    """A document as it was claimed."""
    d = DOCUMENTS.c
    return (
        d.workspace_id == workspace_id,
        d.id == claim.document_id,
        d.content_version == claim.content_version,
        d.fence == claim.fence,
    )


def is_free(now: datetime) -> sa.ColumnElement[bool]:
    """A task that nobody holds."""
    t = INDEXING_TASKS.c
    return sa.or_(t.owner.is_(None), t.lease_until < now)


def lapsed() -> sa.ColumnElement[int]:
    """1 for a free task that still has an owner: its indexer died."""
    return sa.case((INDEXING_TASKS.c.owner.is_not(None), 1), else_=0)
