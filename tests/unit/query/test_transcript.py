"""What is stored, and where, while the conversations service comes and goes."""

import pytest

from services.kernel.errors import DeadlineExceeded, Unavailable
from services.query.domain.conversation import Turn
from services.query.domain.end_user import EndUser
from services.query.domain.errors import ConversationNotFound
from services.query.domain.question import Said
from services.query.domain.transcript import Transcript
from tests.contracts.query.turns import ANN, a_turn
from tests.fakes.transcripts import FakeTranscripts
from tests.fakes.turn_outbox import FakeTurnOutbox
from tests.unit.query.given import ACME, OTHER

AWAY = Unavailable("away")
BEN = EndUser("shop", "ben")


def ids(turns: list[Turn]) -> list[str]:
    """Return the ids of the answers."""
    return [turn.assistant.id for turn in turns]


class TestTranscript:
    """Over fakes."""

    def setup_method(self) -> None:
        """Begin with nothing said."""
        self.service, self.outbox = FakeTranscripts(), FakeTurnOutbox()
        self.transcript = Transcript(self.service, self.outbox)

    def test_a_turn_goes_to_the_service(self) -> None:
        """Nothing waits while the service is there."""
        self.transcript.append(ACME, a_turn("1"))
        assert ids(self.service.turns(ACME.workspace_id, "conv_a")) == ["msg_1a"]
        assert not self.outbox.waiting

    @pytest.mark.parametrize("failure", [AWAY, DeadlineExceeded("slow")])
    def test_a_turn_waits_while_the_service_is_away(self, failure: Exception) -> None:
        """So do the later ones of its conversation until it was delivered, but no others."""
        self.service.failure = failure  # type: ignore[assignment]
        self.transcript.append(ACME, a_turn("1"))
        self.service.failure = None
        self.transcript.append(ACME, a_turn("2"))
        self.transcript.append(ACME, a_turn("3", conversation="conv_b"))
        assert [turn.assistant.id for _, turn in self.outbox.waiting] == ["msg_1a", "msg_2a"]
        assert ids(self.service.turns(ACME.workspace_id, "conv_b")) == ["msg_3a"]

    def test_a_turn_that_no_place_takes_is_an_error(self) -> None:
        """Nobody is told that something was stored that was not."""
        self.service.failure = self.outbox.failure = AWAY
        with pytest.raises(Unavailable):
            self.transcript.append(ACME, a_turn("1"))

    def test_what_waits_is_part_of_the_history(self) -> None:
        """After what is stored; alone while the service is away or does not know the conversation yet."""
        self.transcript.append(ACME, a_turn("1"))
        self.outbox.put(ACME, a_turn("2"))
        self.outbox.put(ACME, a_turn("3", conversation="conv_b"))
        second = [Said("user", "question 2"), Said("assistant", "answer 2")]
        assert self.transcript.recent(ACME, "conv_a", None)[2:] == second
        assert self.transcript.recent(ACME, "conv_b", None) == [
            Said("user", "question 3"),
            Said("assistant", "answer 3"),
        ]
        self.service.failure = AWAY
        assert self.transcript.recent(ACME, "conv_a", None) == second

    def test_nothing_is_known_while_the_service_is_away(self) -> None:
        """A question goes on without its history."""
        self.service.failure = AWAY
        assert self.transcript.recent(ACME, "conv_a", None) == []

    def test_an_unknown_conversation_is_not_found(self) -> None:
        """Nor one of another workspace, nor what can't be an id, even while the service is away."""
        self.transcript.append(ACME, a_turn("1"))
        self.outbox.put(ACME, a_turn("2", conversation="conv_b"))
        for caller, conversation_id in ((ACME, "conv_x"), (OTHER, "conv_a"), (OTHER, "conv_b")):
            with pytest.raises(ConversationNotFound):
                self.transcript.recent(caller, conversation_id, None)
        self.service.failure = AWAY
        with pytest.raises(ConversationNotFound):
            self.transcript.recent(ACME, "nonsense", None)

    def test_a_bound_conversation_is_its_end_users(self) -> None:
        """To everybody else it is not there, and a turn of theirs waits nowhere."""
        self.transcript.append(ACME, a_turn("1", end_user=ANN))
        assert len(self.transcript.recent(ACME, "conv_a", ANN)) == 2
        for other in (None, BEN):
            with pytest.raises(ConversationNotFound):
                self.transcript.recent(ACME, "conv_a", other)
            with pytest.raises(ConversationNotFound):
                self.transcript.append(ACME, a_turn("2", end_user=other))
        assert not self.outbox.waiting

    def test_what_waits_binds_as_well(self) -> None:
        """Whether the service is away or does not know the turn yet."""
        self.outbox.put(ACME, a_turn("1", end_user=ANN))
        self.outbox.put(ACME, a_turn("2", end_user=ANN))
        for self.service.failure in (None, AWAY):
            assert len(self.transcript.recent(ACME, "conv_a", ANN)) == 4
            for other in (None, BEN):
                with pytest.raises(ConversationNotFound):
                    self.transcript.recent(ACME, "conv_a", other)

    def test_nothing_of_a_bound_conversation_is_told_while_nobody_can_check(self) -> None:
        """A stranger's question is answered as if nothing had been said before."""
        self.transcript.append(ACME, a_turn("1", end_user=ANN))
        self.service.failure = AWAY
        assert self.transcript.recent(ACME, "conv_a", BEN) == []
