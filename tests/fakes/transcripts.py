"""A conversations service in memory, as the query service sees it."""

from services.kernel.caller import Caller
from services.kernel.errors import DomainError
from services.kernel.ids import WorkspaceId
from services.query.domain.conversation import Turn
from services.query.domain.end_user import EndUser
from services.query.domain.errors import ConversationNotFound
from services.query.domain.question import ASSISTANT, USER, Said


class FakeTranscripts:
    """
    A `Conversations`. Set `failure` to let every call raise it.

    With `stores_before_failing`, an append stores and then fails: the answer got lost on its way.
    """

    def __init__(self) -> None:
        self._turns: dict[tuple[WorkspaceId, str], list[Turn]] = {}
        self.failure: DomainError | None = None
        self.stores_before_failing = False

    def turns(self, workspace_id: WorkspaceId, conversation_id: str) -> list[Turn]:
        """Return the turns of a conversation, oldest first."""
        return list(self._turns.get((workspace_id, conversation_id), []))

    def history(
        self, caller: Caller, conversation_id: str, end_user: EndUser | None, limit: int
    ) -> list[Said]:
        """Return the newest messages of a conversation, at most `limit`, oldest first."""
        if self.failure is not None:
            raise self.failure
        turns = self._turns.get((caller.workspace_id, conversation_id))
        if turns is None or _bound_to(turns) not in (None, end_user):
            raise ConversationNotFound
        said = [
            each
            for turn in turns
            for each in (Said(USER, turn.user.content), Said(ASSISTANT, turn.assistant.content))
        ]
        return said[-limit:]

    def append(self, caller: Caller, turn: Turn) -> None:
        """Store a turn; one that is stored already changes nothing."""
        if self.failure is not None and not self.stores_before_failing:
            raise self.failure
        turns = self._turns.setdefault((caller.workspace_id, turn.conversation_id), [])
        if _bound_to(turns) not in (None, turn.end_user):
            raise ConversationNotFound
        if all(turn.assistant.id != each.assistant.id for each in turns):
            turns.append(turn)
        if self.failure is not None:
            raise self.failure


def _bound_to(turns: list[Turn]) -> EndUser | None:
    return next((turn.end_user for turn in turns if turn.end_user is not None), None)
