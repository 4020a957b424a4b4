"""What claimed documents are made of, and what the index has of them already."""

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import ContentType, DocumentId
from services.knowledge.domain.errors import ClaimLost
from services.knowledge.domain.queue import Claim, Source, Target
from services.knowledge.storage.bases import SqlBases
from services.knowledge.storage.queue_terms import is_claimed
from services.knowledge.storage.tables import CHUNKS, CONTENTS, DOCUMENTS, GENERATION_DOCUMENTS


class ClaimedSources:
    """Sources in one transaction."""

    def __init__(self, connection: sa.Connection, bases: SqlBases) -> None:
        self._connection = connection
        self._bases = bases

    def of(self, workspace_id: WorkspaceId, claim: Claim) -> Source:
        """Return what a claimed document is made of; raise ClaimLost when the claim is void."""
        d, c = DOCUMENTS.c, CONTENTS.c
        joined = DOCUMENTS.join(CONTENTS, sa.and_(c.workspace_id == d.workspace_id, c.document_id == d.id))
        row = self._connection.execute(
            sa.select(d.title, d.content_type, c.content)
            .select_from(joined)
            .where(*is_claimed(workspace_id, claim))
        ).one_or_none()
        if row is None:
            raise ClaimLost("edited or deleted")
        targets = self._targets(workspace_id, claim)
        return Source(row.title, ContentType(row.content_type), bytes(row.content), targets)

    def _targets(self, workspace_id: WorkspaceId, claim: Claim) -> tuple[Target, ...]:
        base = self._bases.get(workspace_id)
        g = GENERATION_DOCUMENTS.c
        has = sa.select(g.generation).where(
            g.workspace_id == workspace_id,
            g.generation.in_([each.number for each in base.written]),
            g.document_id == claim.document_id,
            g.content_version == claim.content_version,
        )
        whole = set(self._connection.execute(has).scalars())
        targets = []
        for each in base.written:
            if claim.anew and each == base.serving:
                targets.append(Target(each, frozenset()))
            elif each.number not in whole:
                targets.append(Target(each, self._passages(workspace_id, each.number, claim.document_id)))
        return tuple(targets)

    def _passages(
        self, workspace_id: WorkspaceId, generation: int, document_id: DocumentId
    ) -> frozenset[str]:
        c = CHUNKS.c
        query = sa.select(c.id).where(
            c.workspace_id == workspace_id,
            c.generation == generation,
            c.document_id == document_id,
            c.deleted.is_(False),
            c.units.is_not(None),
        )
        return frozenset(self._connection.execute(query).scalars())
