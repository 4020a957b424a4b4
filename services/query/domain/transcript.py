"""The transcript of a conversation, also while the service that keeps it is away."""

import logging
import re

from services.kernel.caller import Caller
from services.kernel.errors import DomainError, ErrorKind
from services.query.domain.conversation import Turn
from services.query.domain.errors import ConversationNotFound
from services.query.domain.ports import Conversations, TurnOutbox
from services.query.domain.question import ASSISTANT, USER, Said

_RECENT = 12
# Checked here because nobody else can while the conversations service is away.
_CONVERSATION_ID = re.compile(r"conv_[0-9A-Za-z]{1,59}")
_AWAY = (ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED)

_log = logging.getLogger(__name__)


class Transcript:
    """
    Reads what was said and adds to it.

    A turn goes to the conversations service; where that is not known to have stored it, to the outbox, and so
    does every later turn of the same conversation until the outbox has delivered: the order holds.
    """

    def __init__(self, conversations: Conversations, outbox: TurnOutbox) -> None:
        self._conversations = conversations
        self._outbox = outbox

    def recent(self, caller: Caller, conversation_id: str) -> list[Said]:
        """
        Return what was said lately, oldest first; only what waits here while conversations is away.

        Raises:
            ConversationNotFound: the workspace has no such conversation.
        """
        if not _CONVERSATION_ID.fullmatch(conversation_id):
            raise ConversationNotFound
        waiting = [
            said
            for turn in self._outbox.pending(caller, conversation_id)
            for said in (Said(USER, turn.user.content), Said(ASSISTANT, turn.assistant.content))
        ]
        try:
            stored = self._conversations.history(caller, conversation_id, _RECENT)
        except ConversationNotFound:
            if not waiting:
                raise
            stored = []
        except DomainError as error:
            if error.kind not in _AWAY:
                raise
            _log.warning("history_unavailable: %s", error.reason)
            stored = []
        return [*stored, *waiting][-_RECENT:]

    def append(self, caller: Caller, turn: Turn) -> None:
        """
        Store a turn, now or later. It is on disk somewhere when this returns.

        Raises:
            Unavailable: neither place takes it.
        """
        if not self._outbox.pending(caller, turn.conversation_id):
            try:
                self._conversations.append(caller, turn)
                return
            except DomainError as error:
                _log.warning("turn_to_outbox: %s", error.reason)
        self._outbox.put(caller, turn)
