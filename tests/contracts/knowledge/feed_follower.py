"""A search replica in a few lines: what it would have of a workspace."""

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import Changes, ChunkChange, DocumentChange
from services.knowledge.domain.document import DocumentId
from tests.contracts.knowledge.workshop import Workshop


class Follower:
    """Applies the feed and checks its promises on the way."""

    def __init__(self, workspace_id: WorkspaceId, generation: int = 1) -> None:
        self._workspace_id = workspace_id
        self._generation = generation
        self.revision = 0
        self.documents: dict[DocumentId, DocumentChange] = {}
        self.chunks: dict[str, ChunkChange] = {}

    def catch_up(self, workshop: Workshop, begun_at: int = 0) -> None:
        """Apply all there is; `begun_at`: the head when this began, where it was never level."""
        while True:
            changes = workshop.changes(self._workspace_id, self.revision, self._generation, begun_at)
            assert not changes.restart
            if self.revision == 0:
                begun_at = changes.head_revision
            if not changes.sets:
                return
            self.apply(changes)

    def apply(self, changes: Changes) -> None:
        """Apply one answer."""
        for each in changes.sets:
            assert self.revision < each.revision <= changes.head_revision
            self.revision = each.revision
            self.documents |= {document.document_id: document for document in each.documents}
            self.chunks |= {chunk.chunk_id: chunk for chunk in each.chunks}
            for name in each.gone_chunks:
                self.chunks.pop(name, None)
            for gone in each.gone_documents:
                self.documents.pop(gone, None)
                self.chunks = {k: v for k, v in self.chunks.items() if v.document_id != gone}

    def state(self) -> tuple[object, object]:
        """What searches would see."""
        found = {k: v for k, v in self.chunks.items() if v.document_id in self.documents}
        return self.documents, found
