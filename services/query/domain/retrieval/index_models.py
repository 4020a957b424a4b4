"""Which model the index of a workspace is of."""

from services.kernel.ids import WorkspaceId
from services.query.domain.ports import QuestionEmbedder, QuestionEmbedders


class IndexModels:
    """
    Remembers of which model the index of each workspace is. Safe to share between threads.

    Where nothing was found out yet, it is taken to be that of new indexes.
    """

    def __init__(self, embedders: QuestionEmbedders) -> None:
        self._embedders = embedders
        # Only of those that have another one than new indexes.
        self._others: dict[WorkspaceId, QuestionEmbedder] = {}

    def of(self, workspace_id: WorkspaceId) -> QuestionEmbedder:
        """Return what questions to a workspace's index are most probably to be embedded with."""
        return self._others.get(workspace_id) or self._embedders.present

    def named(self, model: str) -> QuestionEmbedder:
        """
        Return the embedder of a model.

        Raises:
            Unavailable: this installation does not have it.
        """
        return self._embedders.of(model)

    def found(self, workspace_id: WorkspaceId, embedder: QuestionEmbedder) -> None:
        """Take note of what the index that answered is of."""
        if embedder is self.of(workspace_id):
            return
        if embedder is self._embedders.present:
            self._others.pop(workspace_id, None)
        else:
            self._others[workspace_id] = embedder
