"""
Published documents that wait for replicas to confirm them.

Found in a partial index of just these rows, however many others there are; databases use it for the literal
alone, not for a parameter.
"""

from typing import Any

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.storage.tables import DOCUMENTS, IS_PUBLISHING


def workspaces_waiting() -> sa.Select[Any]:
    """Workspaces in which some document waits: from one to the next, however many wait in each."""
    workspace = DOCUMENTS.c.workspace_id
    # The second is true of all of them, and keeps SQLite from an index that has the others, too.
    waits = (IS_PUBLISHING, DOCUMENTS.c.content_revision > 0)
    found = sa.select(sa.func.min(workspace).label("id")).where(*waits).cte("waiting", recursive=True)
    after = sa.select(sa.func.min(workspace)).where(workspace > found.c.id, *waits).scalar_subquery()
    found = found.union_all(sa.select(after).where(found.c.id.is_not(None)))
    return sa.select(found.c.id).where(found.c.id.is_not(None))


def oldest_waiting(workspace_id: WorkspaceId) -> sa.Select[Any]:
    """The lowest revision that some document of a workspace waits for; null: none does."""
    d = DOCUMENTS.c
    return sa.select(sa.func.min(d.content_revision)).where(d.workspace_id == workspace_id, IS_PUBLISHING)


def waiting_up_to(workspace_id: WorkspaceId, revision: int) -> sa.Select[Any]:
    """The documents of a workspace that wait for revisions up to one, the eldest first."""
    d = DOCUMENTS.c
    waits = (d.workspace_id == workspace_id, IS_PUBLISHING, d.content_revision <= revision)
    return sa.select(d.id).where(*waits).order_by(d.content_revision)
