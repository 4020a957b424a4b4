"""What every way to the transcripts promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod

import pytest

from services.kernel.caller import Caller
from services.kernel.ids import WorkspaceId
from services.query.domain.errors import ConversationNotFound
from services.query.domain.ports import Conversations
from services.query.domain.question import Said
from tests.contracts.query.turns import a_turn

ACME = Caller(WorkspaceId("ws_acme"))
OTHER = Caller(WorkspaceId("ws_other"))


class ConversationsContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def conversations(self) -> Conversations:
        """Return a way to transcripts of which there are none."""

    def test_history_is_the_newest_oldest_first(self, conversations: Conversations) -> None:
        """At most as much as is wanted."""
        conversations.append(ACME, a_turn("1"))
        conversations.append(ACME, a_turn("2"))
        assert conversations.history(ACME, "conv_a", 3) == [
            Said("assistant", "answer 1"),
            Said("user", "question 2"),
            Said("assistant", "answer 2"),
        ]

    def test_a_turn_is_stored_once(self, conversations: Conversations) -> None:
        """Repeating it changes nothing."""
        conversations.append(ACME, a_turn("1"))
        conversations.append(ACME, a_turn("1"))
        assert len(conversations.history(ACME, "conv_a", 10)) == 2

    def test_unknown_conversations_are_not_found(self, conversations: Conversations) -> None:
        """Nor are another workspace's."""
        conversations.append(ACME, a_turn("1"))
        for caller, conversation_id in ((ACME, "conv_x"), (OTHER, "conv_a")):
            with pytest.raises(ConversationNotFound):
                conversations.history(caller, conversation_id, 10)
