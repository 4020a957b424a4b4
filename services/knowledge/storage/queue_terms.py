"""What the queue's statements are made of."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.queue import Claim, Waiting
from services.knowledge.storage.bases import Insert
from services.knowledge.storage.tables import (
    DOCUMENTS,
    GENERATION_DOCUMENTS,
    GENERATIONS,
    INDEXING_TASKS,
    KNOWLEDGE_BASES,
)


def by_workspace(documents: Iterable[Waiting | Claim]) -> Mapping[WorkspaceId, list[DocumentId]]:
    """Return ids by workspace: for a list of pairs, SQLite would read the whole table."""
    ids: dict[WorkspaceId, list[DocumentId]] = defaultdict(list)
    for each in documents:
        ids[each.workspace_id].append(each.document_id)
    return ids


def task(insert: Insert) -> sa.Executable:
    """A caller's write: comes to the fore, and a claim that somebody has on it is void."""
    t, new = INDEXING_TASKS.c, insert(INDEXING_TASKS)
    kept = {"workspace_id", "document_id", "queued_at", "anew"}
    changes: dict[str, Any] = {
        column.name: new.excluded[column.name] for column in t if column.name not in kept
    }
    changes["queued_at"] = sa.case((t.background.is_(True), new.excluded.queued_at), else_=t.queued_at)
    changes["anew"] = sa.or_(t.anew.is_(True), new.excluded.anew.is_(True))
    return new.on_conflict_do_update(index_elements=["workspace_id", "document_id"], set_=changes)


def background_task(insert: Insert) -> sa.Executable:
    """A re-index's wish: what is queued already stays as it is."""
    t, new = INDEXING_TASKS.c, insert(INDEXING_TASKS)
    anew = sa.or_(t.anew.is_(True), new.excluded.anew.is_(True))
    return new.on_conflict_do_update(index_elements=["workspace_id", "document_id"], set_={"anew": anew})


def lacking_tasks(
    insert: Insert, workspace_id: WorkspaceId, generation: int, row: Mapping[str, object]
) -> sa.Executable:
    """Background tasks, `row` but for their documents, for what a generation has not as it is now."""
    t, d, g = INDEXING_TASKS.c, DOCUMENTS.c, GENERATION_DOCUMENTS.c
    has = sa.exists().where(
        g.workspace_id == workspace_id,
        g.generation == generation,
        g.document_id == d.id,
        g.content_version == d.content_version,
    )
    literals = [sa.literal(value, t[name].type).label(name) for name, value in row.items()]
    lacking = sa.select(d.id, d.content_version, *literals).where(d.workspace_id == workspace_id, ~has)
    new = insert(INDEXING_TASKS).from_select(["document_id", "content_version", *row], lacking)
    return new.on_conflict_do_nothing()


def claimable(models: Collection[str], now: datetime, *, known: bool = True) -> sa.Select[Any]:
    """
    Workspaces with something to claim that write only vectors of `models`, or of none yet, by their ids.

    `known` false: the others. Goes from one workspace to the next in the queue's index, however many
    documents wait in each.
    """
    serving, following = GENERATIONS.alias("serving"), GENERATIONS.alias("following")
    t, b, s, f = INDEXING_TASKS.c, KNOWLEDGE_BASES.c, serving.c, following.c
    queued = sa.select(sa.func.min(t.workspace_id).label("id")).cte("queued", recursive=True)
    after = sa.select(sa.func.min(t.workspace_id)).where(t.workspace_id > queued.c.id).scalar_subquery()
    queued = queued.union_all(sa.select(after).where(queued.c.id.is_not(None)))
    joined = (
        queued.join(KNOWLEDGE_BASES, b.workspace_id == queued.c.id)
        .outerjoin(serving, sa.and_(s.workspace_id == b.workspace_id, s.generation == b.generation))
        .outerjoin(following, sa.and_(f.workspace_id == b.workspace_id, f.generation == b.next_generation))
    )
    waits = sa.exists().where(t.workspace_id == queued.c.id, t.not_before <= now, is_free(now))
    knows = sa.and_(
        *(sa.or_(each.is_(None), each.in_(models)) for each in (s.embedding_model, f.embedding_model))
    )
    return (
        sa.select(queued.c.id)
        .select_from(joined)
        .where(knows if known else ~knows, waits)
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
