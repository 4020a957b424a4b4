"""What conversations need from a store."""

from typing import Protocol

from services.conversations.domain.conversation import Conversation, Transcript, Turn
from services.conversations.domain.listing import Filters
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place


class Conversations(Protocol):
    """
    The conversations of all workspaces; each call sees those of one.

    NUL characters, which PostgreSQL can't hold, come back as U+FFFD from every store.
    """

    def append(self, workspace_id: WorkspaceId, turn: Turn) -> bool:
        """
        Store a turn, beginning its conversation where it is new; return whether it was new.

        A turn whose answer's id is stored changes nothing. Turns of one conversation follow each other:
        none is lost, however many are appended at once.

        Raises:
            InvalidArgument: the question's id is that of a message of another turn.
            ConversationNotFound: the conversation is bound to somebody else.
        """

    def newest(self, workspace_id: WorkspaceId, conversation_id: str, limit: int) -> Transcript | None:
        """Return a conversation with its newest `limit` messages; None where there is none."""

    def get(self, workspace_id: WorkspaceId, conversation_id: str) -> Transcript | None:
        """Return a conversation with all its messages; None where there is none."""

    def page(
        self, workspace_id: WorkspaceId, filters: Filters, size: int, after: Place | None
    ) -> list[Conversation]:
        """
        Return at most `size` conversations that fit, newest first; of one instant, the greater id first.

        `after` is the place of the last one of the page before.
        """
