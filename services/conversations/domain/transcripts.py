"""What callers do with conversations."""

from services.conversations.domain.conversation import Conversation, Transcript, Turn
from services.conversations.domain.end_user import EndUser
from services.conversations.domain.errors import ConversationNotFound
from services.conversations.domain.listing import Listing, bound_to
from services.conversations.domain.message import Message
from services.conversations.domain.ports import Conversations
from services.kernel.caller import Caller
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.pages import Page, Place, page_of

MAX_HISTORY = 40


class Transcripts:
    """Turns in, transcripts out; always those of the caller's workspace."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    def append(self, caller: Caller, turn: Turn) -> bool:
        """
        Store a turn; return whether it was new. Safe to repeat.

        Raises:
            InvalidArgument: the turn breaks a rule.
            ConversationNotFound: its conversation is bound to somebody else.
        """
        turn.check()
        return self._conversations.append(caller.workspace_id, turn)

    def history(
        self, caller: Caller, conversation_id: str, end_user: EndUser | None, limit: int
    ) -> list[Message]:
        """
        Return the newest `limit` messages, oldest first, to the end user who asks (None: nobody is known).

        Raises:
            InvalidArgument: the limit is not between 1 and 40.
            ConversationNotFound: the workspace has no such conversation, or it is bound to somebody else.
        """
        if not 1 <= limit <= MAX_HISTORY:
            raise InvalidArgument.of([Violation("/limit", f"must be between 1 and {MAX_HISTORY}")])
        transcript = self._conversations.newest(caller.workspace_id, conversation_id, limit)
        if transcript is None:
            raise ConversationNotFound
        transcript.conversation.check_open_to(end_user)
        return transcript.messages

    def get(self, caller: Caller, conversation_id: str) -> Transcript:
        """
        Return a conversation with all its messages.

        Raises:
            ConversationNotFound: the workspace has no such conversation.
        """
        transcript = self._conversations.get(caller.workspace_id, conversation_id)
        if transcript is None:
            raise ConversationNotFound
        return transcript

    def list(self, caller: Caller, listing: Listing) -> Page[Conversation]:
        """Return a page of the conversations that fit, newest first."""
        found = self._conversations.page(
            caller.workspace_id, listing.filters, listing.size + 1, listing.after
        )
        tied_to = bound_to(listing.filters)
        return page_of(found, listing.size, tied_to, lambda each: Place(each.created_at, each.id))
