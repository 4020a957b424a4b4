"""What every store of conversations promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import timedelta

import pytest

from services.conversations.domain.conversation import Conversation, Transcript
from services.conversations.domain.end_user import EndUser
from services.conversations.domain.errors import ConversationNotFound
from services.conversations.domain.listing import Filters
from services.conversations.domain.ports import Conversations
from services.kernel.errors import InvalidArgument
from services.kernel.pages import Place
from tests.contracts.conversations.turns import ACME, ANN, NOW, OTHER, a_turn

NO_FILTER = Filters()


class ConversationsContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def store(self) -> Conversations:
        """Return an empty store."""

    def test_a_turn_comes_back_whole(self, store: Conversations) -> None:
        """The first turn begins the conversation, and every field of both messages is kept."""
        turn = a_turn(metadata={"ticket": "8812"})
        assert store.append(ACME, turn)
        assert store.get(ACME, "conv_a") == Transcript(
            Conversation(
                id="conv_a",
                channel="api",
                created_at=turn.question.created_at,
                updated_at=turn.answer.created_at,
                message_count=2,
                preview="When does it renew?",
                metadata={"ticket": "8812"},
            ),
            [turn.question, turn.answer],
        )

    def test_a_repeated_turn_changes_nothing(self, store: Conversations) -> None:
        """The same turn again, or one with its answer's id in another conversation, is dropped."""
        turn = a_turn()
        store.append(ACME, turn)
        before = store.get(ACME, "conv_a")
        assert not store.append(ACME, turn)
        assert not store.append(ACME, replace(turn, conversation_id="conv_b", metadata={"a": "b"}))
        assert store.get(ACME, "conv_a") == before
        assert store.get(ACME, "conv_b") is None
        assert len(store.page(ACME, NO_FILTER, 10, None)) == 1

    def test_a_question_belongs_to_one_turn(self, store: Conversations) -> None:
        """Another answer to a stored question is refused whole."""
        store.append(ACME, a_turn())
        before = store.get(ACME, "conv_a")
        other = replace(a_turn("2", conversation="conv_b"), question=a_turn().question)
        with pytest.raises(InvalidArgument) as raised:
            store.append(ACME, other)
        assert [violation.pointer for violation in raised.value.violations] == ["/user_message/id"]
        assert store.get(ACME, "conv_a") == before
        assert store.get(ACME, "conv_b") is None

    def test_a_conversation_grows(self, store: Conversations) -> None:
        """Later turns follow; the newest metadata wins; unanswered once is unanswered for good."""
        store.append(ACME, a_turn("1", metadata={"a": "1", "b": "1"}))
        store.append(ACME, a_turn("2", answered=False, at=NOW + timedelta(minutes=1), channel="other"))
        store.append(ACME, a_turn("3", at=NOW + timedelta(minutes=2), metadata={"b": "3"}))
        transcript = store.get(ACME, "conv_a")
        assert transcript is not None
        assert [message.id for message in transcript.messages] == [
            "msg_q1",
            "msg_a1",
            "msg_q2",
            "msg_a2",
            "msg_q3",
            "msg_a3",
        ]
        assert transcript.conversation == Conversation(
            id="conv_a",
            channel="api",
            created_at=NOW,
            updated_at=NOW + timedelta(minutes=2, seconds=1),
            answered=False,
            message_count=6,
            preview="When does it renew?",
            metadata={"a": "1", "b": "3"},
        )

    def test_the_first_end_user_binds_a_conversation(self, store: Conversations) -> None:
        """Begun by nobody in particular, it is Ann's with her first turn; no other's is stored then."""
        store.append(ACME, a_turn("1"))
        store.append(ACME, a_turn("2", end_user=ANN))
        store.append(ACME, a_turn("3", end_user=ANN))
        before = store.get(ACME, "conv_a")
        assert before is not None
        assert before.conversation.end_user == ANN
        for number, other in enumerate((None, EndUser(ANN.issuer, "ben"), EndUser("else", ANN.subject))):
            with pytest.raises(ConversationNotFound):
                store.append(ACME, a_turn(f"1{number}", end_user=other))
        assert store.get(ACME, "conv_a") == before

    def test_a_repeated_turn_is_never_somebody_elses(self, store: Conversations) -> None:
        """The turn that the conversation began with, before it was bound, can be repeated."""
        store.append(ACME, a_turn("1"))
        store.append(ACME, a_turn("2", end_user=ANN))
        assert not store.append(ACME, a_turn("1"))

    def test_end_users_are_found_by_their_subject(self, store: Conversations) -> None:
        """That is the `user_id` of lists."""
        store.append(ACME, a_turn("1", conversation="conv_a", end_user=ANN))
        store.append(ACME, a_turn("2", conversation="conv_b"))
        found = store.page(ACME, Filters(user_id="ann"), 10, None)
        assert [(each.id, each.user_id) for each in found] == [("conv_a", "ann")]
        assert store.page(OTHER, Filters(user_id="ann"), 10, None) == []

    def test_messages_of_one_instant_stay_in_order(self, store: Conversations) -> None:
        """Where the clock does not tell, the order of arrival does."""
        for name in ("9", "1", "5"):
            turn = a_turn(name)
            store.append(ACME, replace(turn, answer=replace(turn.answer, created_at=NOW)))
        transcript = store.get(ACME, "conv_a")
        assert transcript is not None
        assert [message.id for message in transcript.messages] == [
            "msg_q9",
            "msg_a9",
            "msg_q1",
            "msg_a1",
            "msg_q5",
            "msg_a5",
        ]

    def test_a_late_turn_takes_its_place(self, store: Conversations) -> None:
        """A turn that is delivered after a later one is shown when it was said."""
        store.append(ACME, a_turn("2", at=NOW + timedelta(minutes=1)))
        store.append(ACME, a_turn("1"))
        newest = store.newest(ACME, "conv_a", 40)
        assert newest is not None
        assert [message.id for message in newest.messages] == ["msg_q1", "msg_a1", "msg_q2", "msg_a2"]

    def test_the_newest_messages(self, store: Conversations) -> None:
        """The newest are given, oldest first, with their conversation; there is no more than there is."""
        for number in range(3):
            store.append(ACME, a_turn(str(number), at=NOW + timedelta(minutes=number)))
        newest = store.newest(ACME, "conv_a", 3)
        assert newest is not None
        assert [message.id for message in newest.messages] == ["msg_a1", "msg_q2", "msg_a2"]
        assert store.newest(ACME, "conv_a", 40) == store.get(ACME, "conv_a")
        assert len(newest.messages) < newest.conversation.message_count == 6

    def test_workspaces_see_only_their_own(self, store: Conversations) -> None:
        """The same ids in two workspaces are two conversations; each sees its own over every call."""
        mine, theirs = a_turn(question="mine"), a_turn(question="theirs")
        store.append(ACME, mine)
        assert store.get(OTHER, "conv_a") is None
        assert store.newest(OTHER, "conv_a", 40) is None
        assert store.page(OTHER, NO_FILTER, 10, None) == []
        assert store.append(OTHER, theirs)
        store.append(OTHER, a_turn("2", conversation="conv_a", answered=False))
        transcript = store.get(ACME, "conv_a")
        assert store.newest(ACME, "conv_a", 40) == transcript
        assert transcript is not None
        assert transcript.messages == [mine.question, mine.answer]
        assert transcript.conversation.answered
        assert [each.preview for each in store.page(ACME, NO_FILTER, 10, None)] == ["mine"]

    @pytest.mark.parametrize("conversation_id", ["", "conv_b", "CONV_A", "conv_a\0", "%"])
    def test_what_is_not_there(self, store: Conversations, conversation_id: str) -> None:
        """Any other id is None, whatever is in it."""
        store.append(ACME, a_turn())
        assert store.get(ACME, conversation_id) is None
        assert store.newest(ACME, conversation_id, 1) is None

    def test_any_text_is_kept(self, store: Conversations) -> None:
        """All of Unicode comes back as it was but NUL, which comes back as U+FFFD."""
        text = "a\u0301 \U0001f642 中文 \u202e \ufeff \uffff ' \" \\ \\u0000 % {} \x01 \r\n"
        turn = a_turn(question=text + "\0", metadata={"k\0" + text: "v\0" + text}, channel="c\0")
        store.append(ACME, turn)
        transcript = store.get(ACME, "conv_a")
        assert transcript is not None
        assert transcript.messages[0].content == text + "\ufffd"
        assert transcript.conversation.metadata == {"k\ufffd" + text: "v\ufffd" + text}
        assert transcript.conversation.preview == text + "\ufffd"
        assert store.page(ACME, Filters(channel="c\0"), 10, None) == [transcript.conversation]

    def test_previews_are_cut(self, store: Conversations) -> None:
        """A preview is the first 200 characters of the first question."""
        store.append(ACME, a_turn(question="\U0001f642" * 8000))
        assert store.page(ACME, NO_FILTER, 1, None)[0].preview == "\U0001f642" * 200

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (NO_FILTER, "cba"),
            (Filters(channel="api"), "ca"),
            (Filters(channel="ap"), ""),
            (Filters(answered=True), "ba"),
            (Filters(answered=False), "c"),
            (Filters(user_id="u"), ""),
            (Filters(created_after=NOW), "cb"),
            (Filters(created_before=NOW + timedelta(minutes=2)), "ba"),
            (Filters(created_after=NOW, created_before=NOW + timedelta(minutes=2)), "b"),
            (Filters(channel="api", answered=False), "c"),
        ],
    )
    def test_filters(self, store: Conversations, filters: Filters, expected: str) -> None:
        """A list shows what fits all filters, newest first; both instants are themselves left out."""
        store.append(ACME, a_turn("1", conversation="conv_a"))
        store.append(ACME, a_turn("2", conversation="conv_b", channel="web", at=NOW + timedelta(minutes=1)))
        store.append(ACME, a_turn("3", conversation="conv_c", answered=False, at=NOW + timedelta(minutes=2)))
        found = store.page(ACME, filters, 10, None)
        assert [each.id for each in found] == [f"conv_{name}" for name in expected]

    def test_pages_hold_each_once(self, store: Conversations) -> None:
        """Newest first, those of one instant by id, each once, also while new ones come in."""
        for number in range(7):
            at = NOW + timedelta(microseconds=number // 2)
            store.append(ACME, a_turn(str(number), conversation=f"conv_{number}", at=at))
        paged: list[Conversation] = []
        while page := store.page(ACME, NO_FILTER, 2, _place(paged[-1]) if paged else None):
            paged += page
            late = f"late{len(paged)}"
            store.append(ACME, a_turn(late, conversation=f"conv_{late}", at=NOW + timedelta(hours=1)))
        assert [each.id for each in paged] == [f"conv_{number}" for number in (6, 5, 4, 3, 2, 1, 0)]


def _place(conversation: Conversation) -> Place:
    return Place(conversation.created_at, conversation.id)
