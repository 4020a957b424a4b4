"""What every way to the transcripts promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod

import pytest

from services.kernel.caller import Caller
from services.kernel.ids import WorkspaceId
from services.query.domain.end_user import EndUser
from services.query.domain.errors import ConversationNotFound
from services.query.domain.ports import Conversations
from services.query.domain.question import Said
from tests.contracts.query.turns import ANN, a_turn

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
        assert conversations.history(ACME, "conv_a", None, 3) == [
            Said("assistant", "answer 1"),
            Said("user", "question 2"),
            Said("assistant", "answer 2"),
        ]

    def test_a_turn_is_stored_once(self, conversations: Conversations) -> None:
        """Repeating it changes nothing."""
        conversations.append(ACME, a_turn("1"))
        conversations.append(ACME, a_turn("1"))
        assert len(conversations.history(ACME, "conv_a", None, 10)) == 2

    def test_unknown_conversations_are_not_found(self, conversations: Conversations) -> None:
        """Nor are another workspace's."""
        conversations.append(ACME, a_turn("1"))
        for caller, conversation_id in ((ACME, "conv_x"), (OTHER, "conv_a")):
            with pytest.raises(ConversationNotFound):
                conversations.history(caller, conversation_id, None, 10)

    def test_the_first_end_user_binds_a_conversation(self, conversations: Conversations) -> None:
        """From then on, to everybody else it is not there: neither to read nor to add to."""
        conversations.append(ACME, a_turn("1"))
        assert len(conversations.history(ACME, "conv_a", ANN, 10)) == 2
        conversations.append(ACME, a_turn("2", end_user=ANN))
        assert len(conversations.history(ACME, "conv_a", ANN, 10)) == 4
        for number, other in enumerate((None, EndUser("shop", "ben"), EndUser("else", "ann"))):
            with pytest.raises(ConversationNotFound):
                conversations.history(ACME, "conv_a", other, 10)
            with pytest.raises(ConversationNotFound):
                conversations.append(ACME, a_turn(f"3{number}", end_user=other))
        assert len(conversations.history(ACME, "conv_a", ANN, 10)) == 4
