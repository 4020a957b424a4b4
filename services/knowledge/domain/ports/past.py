"""What knowledge bases held at earlier revisions."""

from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import ChunkChange, DocumentChange
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.generation import Generation


class Past(Protocol):
    """Earlier states, without what was deleted since."""

    def generation(self, workspace_id: WorkspaceId, revision: int) -> Generation:
        """Return the generation that served at a revision."""
        ...

    def documents(
        self, workspace_id: WorkspaceId, revision: int, after: DocumentId, limit: int
    ) -> list[DocumentChange]:
        """Return documents as search saw them, in the order of their ids, from beyond `after`."""
        ...

    def chunks(
        self, workspace_id: WorkspaceId, generation: int, revision: int, after: str, answer_bytes: int
    ) -> list[ChunkChange]:
        """Return passages in the order of their ids, beyond `after`; about `answer_bytes`, at least one."""
        ...
