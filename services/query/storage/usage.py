"""Questions, counted in the database."""

from datetime import datetime

from services.kernel.caller import Caller
from services.runtime.usage import UsageCounter

_KIND = "queries"


class CountedQuestions:
    """A `QuestionCounter`: by workspace and by the kind of key."""

    def __init__(self, counter: UsageCounter) -> None:
        self._counter = counter

    def answered(self, caller: Caller, asked_at: datetime) -> None:
        """Count an answered question."""
        self._counter.counted(caller.workspace_id, _KIND, _channel(caller), asked_at)

    def failed(self, caller: Caller, asked_at: datetime) -> None:
        """Note a question without an answer."""
        self._counter.uncounted(caller.workspace_id, _KIND, _channel(caller), asked_at)


def _channel(caller: Caller) -> str:
    return "widget" if caller.publishable else "api"
