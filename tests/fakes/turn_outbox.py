"""An outbox of turns in memory."""

from services.kernel.caller import Caller
from services.kernel.errors import DomainError
from services.query.domain.conversation import Turn


class FakeTurnOutbox:
    """A `TurnOutbox` that delivers when it is told to. Set `failure` to let `put` raise it."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Caller, Turn]] = []
        self.failure: DomainError | None = None

    def put(self, caller: Caller, turn: Turn) -> None:
        """Keep a turn."""
        if self.failure is not None:
            raise self.failure
        self.waiting.append((caller, turn))

    def pending(self, caller: Caller, conversation_id: str) -> list[Turn]:
        """Return the turns of a conversation that wait, oldest first."""
        return [
            turn
            for who, turn in self.waiting
            if who.workspace_id == caller.workspace_id and turn.conversation_id == conversation_id
        ]
