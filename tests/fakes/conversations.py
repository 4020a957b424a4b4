"""Conversations in memory."""

from dataclasses import dataclass, field, replace

from services.conversations.domain.conversation import Conversation, Transcript, Turn
from services.conversations.domain.listing import Filters
from services.conversations.domain.message import Message
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place


@dataclass
class _Workspace:
    conversations: dict[str, Conversation] = field(default_factory=dict)
    # By message id: the conversation's id, and the message.
    messages: dict[str, tuple[str, Message]] = field(default_factory=dict)


class FakeConversations:
    """Implements `Conversations`, for one thread."""

    def __init__(self) -> None:
        self._workspaces: dict[WorkspaceId, _Workspace] = {}

    def append(self, workspace_id: WorkspaceId, turn: Turn) -> bool:
        """Store a turn; return whether it was new."""
        workspace = self._workspaces.setdefault(workspace_id, _Workspace())
        if turn.answer.id in workspace.messages:
            return False
        if turn.question.id in workspace.messages:
            raise InvalidArgument.of([Violation("/user_message/id", "is the id of another turn's message")])
        before = workspace.conversations.get(turn.conversation_id) or Conversation.begin(turn)
        after = before.after(turn)
        workspace.conversations[turn.conversation_id] = replace(
            after,
            preview=_without_nul(after.preview),
            channel=_without_nul(after.channel),
            metadata={_without_nul(key): _without_nul(value) for key, value in after.metadata.items()},
        )
        for message in (turn.question, turn.answer):
            kept = replace(message, content=_without_nul(message.content))
            workspace.messages[message.id] = (turn.conversation_id, kept)
        return True

    def newest(self, workspace_id: WorkspaceId, conversation_id: str, limit: int) -> Transcript | None:
        """Return a conversation with its newest messages."""
        transcript = self.get(workspace_id, conversation_id)
        return replace(transcript, messages=transcript.messages[-limit:]) if transcript else None

    def get(self, workspace_id: WorkspaceId, conversation_id: str) -> Transcript | None:
        """Return a conversation with all its messages."""
        workspace = self._workspaces.get(workspace_id, _Workspace())
        conversation = workspace.conversations.get(conversation_id)
        if conversation is None:
            return None
        said = [message for owner, message in workspace.messages.values() if owner == conversation_id]
        return Transcript(conversation, sorted(said, key=lambda message: message.created_at))

    def page(
        self, workspace_id: WorkspaceId, filters: Filters, size: int, after: Place | None
    ) -> list[Conversation]:
        """Return at most `size` conversations that fit, newest first."""
        found = [
            each
            for each in self._workspaces.get(workspace_id, _Workspace()).conversations.values()
            if _fits(each, filters)
            and (after is None or (each.created_at, each.id) < (after.created_at, after.id))
        ]
        return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)[:size]


def _fits(conversation: Conversation, filters: Filters) -> bool:
    return (
        (filters.channel is None or conversation.channel == _without_nul(filters.channel))
        and (filters.answered is None or conversation.answered == filters.answered)
        and (filters.user_id is None or conversation.user_id == filters.user_id)
        and (filters.created_after is None or conversation.created_at > filters.created_after)
        and (filters.created_before is None or conversation.created_at < filters.created_before)
    )


def _without_nul(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
