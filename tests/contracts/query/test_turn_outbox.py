"""The outboxes of turns keep their promises, the stored one on both databases."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import services.query.storage
from services.kernel.errors import InvalidArgument, Unavailable
from services.query.storage import schema
from services.query.storage.turn_codec import decode, encode
from services.query.storage.turns import StoredTurns, TurnDelivery
from services.runtime.database import Database, migrate, open_database
from services.runtime.outbox import Outbox, OutboxDelivery
from tests.contracts.query.turn_outbox_contract import ACME, OTHER, TurnOutboxContract
from tests.contracts.query.turns import ANN, a_turn
from tests.fakes.clock import FakeClock
from tests.fakes.transcripts import FakeTranscripts
from tests.fakes.turn_outbox import FakeTurnOutbox

VERSIONS = Path(str(services.query.storage.__file__)).parent / "versions"


class TestFakeTurnOutbox(TurnOutboxContract):
    """In memory."""

    @pytest.fixture
    def outbox(self) -> FakeTurnOutbox:
        """Return an empty one."""
        return FakeTurnOutbox()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database."""
    database = open_database(database_url, "query")
    migrate(database, VERSIONS)
    yield database
    database.close()


class TestStoredTurns(TurnOutboxContract):
    """In a database."""

    @pytest.fixture
    def outbox(self, database: Database) -> StoredTurns:
        """Return an empty one."""
        return StoredTurns(database, Outbox(database, schema.outbox))


class TestTurnDelivery:
    """From the database to the conversations service."""

    def test_turns_arrive_later_once_and_in_order(self, database: Database) -> None:
        """Also from an earlier process, also where the answer to a first try got lost."""
        StoredTurns(database, Outbox(database, schema.outbox)).put(ACME, a_turn("1"))
        clock, service = FakeClock(), FakeTranscripts()
        outbox = Outbox(database, schema.outbox, clock)
        turns = StoredTurns(database, outbox)
        clock.advance(10 * 365 * 86_400)
        turns.put(ACME, a_turn("2"))
        turns.put(OTHER, a_turn("3"))
        delivery = OutboxDelivery(outbox, TurnDelivery(service))

        service.failure, service.stores_before_failing = Unavailable("away"), True
        assert delivery.deliver_due() == 0
        service.failure = None
        for _ in range(3):
            clock.advance(60)
            delivery.deliver_due()
        assert service.turns(ACME.workspace_id, "conv_a") == [a_turn("1"), a_turn("2")]
        assert service.turns(OTHER.workspace_id, "conv_a") == [a_turn("3")]
        assert not turns.pending(ACME, "conv_a")

    def test_a_strangers_turn_is_given_up(self, database: Database) -> None:
        """What was said in Ann's conversation while nobody could tell whose it is never gets into it."""
        clock, service = FakeClock(), FakeTranscripts()
        outbox = Outbox(database, schema.outbox, clock)
        turns = StoredTurns(database, outbox)
        service.append(ACME, a_turn("1", end_user=ANN))
        turns.put(ACME, a_turn("2"))
        turns.put(ACME, a_turn("3", end_user=ANN))
        delivery = OutboxDelivery(outbox, TurnDelivery(service))
        for _ in range(2):
            delivery.deliver_due()
        told = service.turns(ACME.workspace_id, "conv_a")
        assert told == [a_turn("1", end_user=ANN), a_turn("3", end_user=ANN)]
        assert not turns.pending(ACME, "conv_a")

    def test_a_turn_of_before_there_were_end_users_is_delivered(self) -> None:
        """A turn may wait while the service is replaced by a newer version."""
        assert decode(encode(ACME, a_turn("1", end_user=ANN))) == (ACME, a_turn("1", end_user=ANN))
        body = json.loads(encode(ACME, a_turn("1")))
        del body["turn"]["end_user"], body["caller"]["publishable"]
        assert decode(json.dumps(body).encode()) == (replace(ACME, publishable=False), a_turn("1"))

    def test_a_turn_that_is_refused_holds_nothing_up(self, database: Database) -> None:
        """It is given up; what follows arrives."""
        clock, service = FakeClock(), FakeTranscripts()
        outbox = Outbox(database, schema.outbox, clock)
        turns = StoredTurns(database, outbox)
        turns.put(ACME, a_turn("1"))
        turns.put(ACME, a_turn("2"))
        delivery = OutboxDelivery(outbox, TurnDelivery(service))
        service.failure = InvalidArgument("refused")
        delivery.deliver_due()
        service.failure = None
        delivery.deliver_due()
        assert service.turns(ACME.workspace_id, "conv_a") == [a_turn("2")]
