"""What questions are charged for."""

from datetime import datetime
from typing import Protocol

from services.kernel.caller import Caller


class QuestionCounter(Protocol):
    """Counts the questions that the gateway let through; never raises, since no answer is lost for it."""

    def answered(self, caller: Caller, asked_at: datetime) -> None:
        """Count a question that was answered, if only by saying that it can't be; durable on return."""

    def failed(self, caller: Caller, asked_at: datetime) -> None:
        """Note that a question got no answer: it is not charged."""
