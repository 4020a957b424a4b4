"""Answers that are known to be right or wrong, in memory."""

from services.kernel.errors import DomainError
from services.kernel.ids import WorkspaceId
from services.query.domain.confidence.calibrations import Label


class FakeLabelledScores:
    """A `LabelledScores`. Set `failure` to let `of` raise it; `reads` counts the looks."""

    def __init__(self) -> None:
        self.kept: dict[tuple[WorkspaceId, str], Label] = {}
        self.failure: DomainError | None = None
        self.reads = 0

    def put(self, workspace_id: WorkspaceId, label: Label) -> None:
        """Keep a label."""
        self.kept[workspace_id, label.message_id] = label

    def of(self, workspace_id: WorkspaceId, model: str) -> list[tuple[float, bool]]:
        """Return score and rightness of the answers that this model scored."""
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return [
            (label.score, label.right)
            for (workspace, _), label in sorted(self.kept.items())
            if workspace == workspace_id and label.model == model
        ]
