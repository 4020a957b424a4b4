"""The transcript of a conversation, also while the service that keeps it is away."""

import logging
import re

from services.kernel.caller import Caller
from services.kernel.errors import DomainError, ErrorKind
from services.query.domain.conversation import Turn
from services.query.domain.end_user import EndUser
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

    def recent(self, caller: Caller, conversation_id: str, end_user: EndUser | None) -> list[Said]:
        """
        Return what was said lately, oldest first; only what waits here while conversations is away.

        `end_user` is who asks (None: nobody is known). While conversations is away nobody knows whose its
        conversations are: nothing of what it keeps is told then, and a stranger's turn it refuses later.

        Raises:
            ConversationNotFound: the workspace has no such conversation, or it is bound to somebody else.
        """
        if not _CONVERSATION_ID.fullmatch(conversation_id):
            raise ConversationNotFound
        pending = self._outbox.pending(caller, conversation_id)
        bound_to = next((turn.end_user for turn in pending if turn.end_user is not None), None)
        if bound_to is not None and bound_to != end_user:
            raise ConversationNotFound
        waiting = [
            said
            for turn in pending
            for said in (Said(USER, turn.user.content), Said(ASSISTANT, turn.assistant.content))
        ]
        try:
            stored = self._conversations.history(caller, conversation_id, end_user, _RECENT)
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
            ConversationNotFound: somebody else has spoken in the conversation meanwhile, and it is theirs.
            Unavailable: neither place takes it.
        """
        if not self._outbox.pending(caller, turn.conversation_id):
            try:
                self._conversations.append(caller, turn)
                return
            except ConversationNotFound:
                raise
            except DomainError as error:
                _log.warning("turn_to_outbox: %s", error.reason)
        self._outbox.put(caller, turn)
