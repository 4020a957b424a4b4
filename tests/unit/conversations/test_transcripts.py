"""What callers do with conversations."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from services.conversations.domain.conversation import Turn
from services.conversations.domain.end_user import EndUser
from services.conversations.domain.errors import ConversationNotFound
from services.conversations.domain.listing import Filters, Listing
from services.conversations.domain.message import Confidence, Role
from services.conversations.domain.transcripts import Transcripts
from services.kernel.caller import Caller
from services.kernel.errors import InvalidArgument
from tests.contracts.conversations.turns import ACME, ANN, NOW, OTHER, a_turn
from tests.fakes.conversations import FakeConversations

_CALLER, _STRANGER = Caller(ACME), Caller(OTHER)


@pytest.fixture
def transcripts() -> Transcripts:
    """Return transcripts without conversations."""
    return Transcripts(FakeConversations())


def test_a_turn_is_in_its_workspace(transcripts: Transcripts) -> None:
    """What the caller's workspace stores, it reads; another's is not found."""
    turn = a_turn()
    assert transcripts.append(_CALLER, turn)
    assert not transcripts.append(_CALLER, turn)
    assert transcripts.get(_CALLER, "conv_a").messages == [turn.question, turn.answer]
    assert transcripts.history(_CALLER, "conv_a", None, 1) == [turn.answer]
    with pytest.raises(ConversationNotFound):
        transcripts.get(_STRANGER, "conv_a")
    with pytest.raises(ConversationNotFound):
        transcripts.history(_STRANGER, "conv_a", None, 1)


def test_history_is_the_end_users_own(transcripts: Transcripts) -> None:
    """A bound conversation tells others nothing, nor nobody in particular; an open one everybody."""
    transcripts.append(_CALLER, a_turn("1"))
    assert transcripts.history(_CALLER, "conv_a", ANN, 40)
    transcripts.append(_CALLER, a_turn("2", end_user=ANN))
    assert len(transcripts.history(_CALLER, "conv_a", ANN, 40)) == 4
    for other in (None, EndUser(ANN.issuer, "ben"), EndUser("else", ANN.subject)):
        with pytest.raises(ConversationNotFound):
            transcripts.history(_CALLER, "conv_a", other, 40)


@pytest.mark.parametrize(
    ("turn", "pointers"),
    [
        (a_turn(conversation=""), ["/conversation_id"]),
        (a_turn(conversation="conv_"), ["/conversation_id"]),
        (a_turn(conversation="doc_a"), ["/conversation_id"]),
        (a_turn(conversation="conv_a\0"), ["/conversation_id"]),
        (a_turn(conversation="conv_" + "a" * 60), ["/conversation_id"]),
        (a_turn("\0"), ["/user_message/id", "/assistant_message/id"]),
        (replace(a_turn(), answer=replace(a_turn().answer, id="msg_q1")), ["/assistant_message/id"]),
        (
            replace(a_turn(), question=a_turn().answer, answer=a_turn().question),
            ["/user_message/role", "/assistant_message/role", "/assistant_message/answered"],
        ),
        (replace(a_turn(), question=replace(a_turn().question, role=Role.AGENT)), ["/user_message/role"]),
        (a_turn(end_user=EndUser("", "x" * 256)), ["/end_user/issuer", "/end_user/subject"]),
        (
            replace(a_turn(), answer=replace(a_turn().answer, confidence=Confidence(math.nan, "low"))),
            ["/assistant_message"],
        ),
    ],
)
def test_bad_turns_are_refused(transcripts: Transcripts, turn: Turn, pointers: list[str]) -> None:
    """Each broken rule is told, and nothing is stored."""
    with pytest.raises(InvalidArgument) as raised:
        transcripts.append(_CALLER, turn)
    assert [violation.pointer for violation in raised.value.violations] == pointers
    assert transcripts.list(_CALLER, Listing(Filters(), 1)).items == []


@pytest.mark.parametrize("limit", [-1, 0, 41])
def test_history_is_bounded(transcripts: Transcripts, limit: int) -> None:
    """Other limits than 1 to 40 are violations."""
    transcripts.append(_CALLER, a_turn())
    with pytest.raises(InvalidArgument):
        transcripts.history(_CALLER, "conv_a", None, limit)


def test_following_the_tokens_shows_each_once(transcripts: Transcripts) -> None:
    """The pages together are the list, newest first, and the last one has no token."""
    for number in range(5):
        at = NOW + timedelta(seconds=number)
        transcripts.append(_CALLER, a_turn(str(number), conversation=f"conv_{number}", at=at))
    shown, token = [], ""
    for expected in (2, 2, 1):
        page = transcripts.list(_CALLER, Listing.parse(size=2, token=token))
        assert len(page.items) == expected
        shown += [each.id for each in page.items]
        token = page.next_token
    assert token == ""
    assert shown == [f"conv_{number}" for number in (4, 3, 2, 1, 0)]


def test_tokens_are_bound_to_the_filters(transcripts: Transcripts) -> None:
    """A token of one list goes on with no other."""
    for number in range(3):
        transcripts.append(_CALLER, a_turn(str(number), conversation=f"conv_{number}"))
    token = transcripts.list(_CALLER, Listing.parse(size=1, channel="api")).next_token
    assert Listing.parse(size=1, token=token, channel="api").after is not None
    with pytest.raises(InvalidArgument):
        Listing.parse(size=1, token=token, channel="web")
