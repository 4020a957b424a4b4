"""What every outbox of turns promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod

import pytest

from services.kernel.caller import Caller
from services.kernel.ids import WorkspaceId
from services.query.domain.ports import TurnOutbox
from tests.contracts.query.turns import ANN, a_turn

ACME = Caller(
    WorkspaceId("ws_acme"), "key_1", frozenset({"query", "conversations:read"}), "test", "req_1", True
)
OTHER = Caller(WorkspaceId("ws_other"))


class TurnOutboxContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def outbox(self) -> TurnOutbox:
        """Return an empty outbox."""

    def test_turns_wait_whole_and_in_order(self, outbox: TurnOutbox) -> None:
        """Every field is kept; each conversation has its own line."""
        outbox.put(ACME, a_turn("1"))
        outbox.put(ACME, a_turn("2", conversation="conv_b"))
        outbox.put(ACME, a_turn("3", end_user=ANN))
        assert list(outbox.pending(ACME, "conv_a")) == [a_turn("1"), a_turn("3", end_user=ANN)]
        assert list(outbox.pending(ACME, "conv_b")) == [a_turn("2", conversation="conv_b")]
        assert list(outbox.pending(ACME, "conv_c")) == []

    def test_workspaces_are_apart(self, outbox: TurnOutbox) -> None:
        """The same conversation id in another workspace is another conversation."""
        outbox.put(ACME, a_turn("1"))
        assert list(outbox.pending(OTHER, "conv_a")) == []
