"""Query's kept answers, without query."""

from collections.abc import Sequence

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId


class FakeKeptAnswers:
    """Has so many answers as `cited` says for each document, and remembers what it was told to forget."""

    def __init__(self) -> None:
        self.cited: dict[DocumentId, int] = {}
        self.forgotten: list[tuple[WorkspaceId, DocumentId]] = []
        self.away = False

    def forget(self, workspace_id: WorkspaceId, ids: Sequence[DocumentId]) -> Sequence[int]:
        """Forget answers; raise Unavailable while it is `away`."""
        if self.away:
            raise Unavailable("Query is away.")
        self.forgotten += [(workspace_id, each) for each in ids]
        return [self.cited.pop(each, 0) for each in ids]
