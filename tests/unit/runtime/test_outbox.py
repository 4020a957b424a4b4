import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database, open_database
from services.runtime.outbox import Message, Outbox, OutboxDelivery, outbox_table
from tests.fakes.clock import FakeClock

METADATA = sa.MetaData()
TABLE = outbox_table(METADATA)
HERE = WorkspaceId("ws_1")


class Receiver:
    """Keeps what arrives; refuses while it is down."""

    def __init__(self) -> None:
        self.arrived: list[bytes] = []
        self.down_for: Callable[[Message], bool] = lambda _message: False

    def __call__(self, message: Message) -> None:
        if self.down_for(message):
            raise Unavailable("down")
        self.arrived.append(message.payload)


@pytest.fixture
def database(database_url: str) -> Database:
    database = open_database(database_url, "outbox_test")
    METADATA.create_all(database.engine)
    return database


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def outbox(database: Database, clock: FakeClock) -> Outbox:
    return Outbox(database, TABLE, clock)


def put(database: Database, outbox: Outbox, stream: str, *payloads: bytes) -> None:
    with database.write() as connection:
        for payload in payloads:
            outbox.put(connection, HERE, stream, "turn", payload)


def drain(delivery: OutboxDelivery) -> None:
    while delivery.deliver_due():
        pass


def test_messages_arrive_in_order_and_once(database: Database, outbox: Outbox) -> None:
    """What was put is delivered, in order, and then forgotten."""
    put(database, outbox, "a", b"1", b"2", b"3")
    receiver = Receiver()
    delivery = OutboxDelivery(outbox, receiver)
    drain(delivery)
    drain(delivery)
    assert receiver.arrived == [b"1", b"2", b"3"]


def test_a_refused_message_holds_up_its_stream_only(
    database: Database, outbox: Outbox, clock: FakeClock
) -> None:
    """Later messages of the stream wait for the refused one; other streams go on; a retry comes later."""
    put(database, outbox, "a", b"a1", b"a2")
    put(database, outbox, "b", b"b1")
    receiver = Receiver()
    receiver.down_for = lambda message: message.stream == "a"
    delivery = OutboxDelivery(outbox, receiver)
    drain(delivery)
    assert receiver.arrived == [b"b1"]
    receiver.down_for = lambda message: False
    assert delivery.deliver_due() == 0
    clock.advance(10)
    drain(delivery)
    assert receiver.arrived == [b"b1", b"a1", b"a2"]


def test_a_message_exists_only_with_its_transaction(database: Database, outbox: Outbox) -> None:
    """Work that is rolled back leaves no message behind."""
    with pytest.raises(RuntimeError), database.write() as connection:
        outbox.put(connection, HERE, "a", "turn", b"1")
        raise RuntimeError
    assert outbox.due() == []


def test_pending_is_of_one_workspace(database: Database, outbox: Outbox) -> None:
    """Another workspace's stream of the same name is not seen."""
    put(database, outbox, "a", b"1")
    with database.read() as connection:
        assert [m.payload for m in outbox.pending(connection, HERE, "a")] == [b"1"]
        assert outbox.pending(connection, WorkspaceId("ws_2"), "a") == []


def test_delivery_outlives_a_long_outage(database: Database, outbox: Outbox, clock: FakeClock) -> None:
    """However often a message was refused, it is tried again within seconds."""
    message = Message(1, HERE, "a", "turn", b"", attempts=5000)
    assert outbox.postpone(message) <= clock.now() + timedelta(seconds=5)


def test_delivery_outlives_an_error_that_nobody_foresaw(database: Database) -> None:
    """The thread goes on when the database fails in a way of its own."""

    class BrokenOnce(Outbox):
        broken = True

        def due(self) -> list[Message]:
            if self.broken:
                self.broken = False
                raise ValueError
            return super().due()

    outbox = BrokenOnce(database, TABLE)
    put(database, outbox, "a", b"1")
    arrived = threading.Event()
    delivery = OutboxDelivery(outbox, lambda _message: arrived.set())
    delivery.start()
    assert arrived.wait(10)
    delivery.stop()
