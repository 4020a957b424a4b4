"""What questions are charged for, in memory."""

from datetime import datetime

from services.kernel.caller import Caller


class FakeQuestionCounter:
    """A `QuestionCounter` that tells what it was told, in order."""

    def __init__(self) -> None:
        self.counts: list[tuple[str, Caller]] = []

    def answered(self, caller: Caller, asked_at: datetime) -> None:
        """Count an answered question."""
        self.counts.append(("answered", caller))

    def failed(self, caller: Caller, asked_at: datetime) -> None:
        """Note a question without an answer."""
        self.counts.append(("failed", caller))
