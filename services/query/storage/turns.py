"""Turns that wait for the conversations service."""

import structlog

from services.kernel.caller import Caller
from services.kernel.errors import DomainError, ErrorKind
from services.query.domain.conversation import Turn
from services.query.domain.ports import Conversations
from services.query.storage.turn_codec import decode, encode
from services.runtime.database import Database
from services.runtime.outbox import Message, Outbox

_KIND = "turn"
_FOR_EVER = (ErrorKind.INVALID_ARGUMENT, ErrorKind.NOT_FOUND)

_log = structlog.get_logger(__name__)


class StoredTurns:
    """A `TurnOutbox` in a database: one stream per conversation."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    def put(self, caller: Caller, turn: Turn) -> None:
        """Keep a turn; it is committed when this returns."""
        with self._database.write() as connection:
            self._outbox.put(
                connection, caller.workspace_id, turn.conversation_id, _KIND, encode(caller, turn)
            )

    def pending(self, caller: Caller, conversation_id: str) -> list[Turn]:
        """Return the turns of a conversation that wait, oldest first."""
        with self._database.read() as connection:
            waiting = self._outbox.pending(connection, caller.workspace_id, conversation_id)
        return [decode(message.payload)[1] for message in waiting]


class TurnDelivery:
    """What the outbox does with each message."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    def __call__(self, message: Message) -> None:
        """
        Hand a turn to the conversations service.

        A turn that is refused for what it is would be refused for ever and hold up what follows it: it is
        logged by its id and given up. So is one that was said in somebody else's conversation while nobody
        could tell. Raises for every other failure: it is to be tried again.
        """
        caller, turn = decode(message.payload)
        try:
            self._conversations.append(caller, turn)
        except DomainError as error:
            if error.kind not in _FOR_EVER:
                raise
            _log.error("turn_refused", message_id=turn.assistant.id, detail=error.detail)
