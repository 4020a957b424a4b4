import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa

from services.kernel.errors import InvalidArgument
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database, open_database
from services.runtime.idempotency import (
    Idempotency,
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    IdempotencyScope,
    idempotency_table,
    request_hash,
)
from tests.fakes.clock import FakeClock

METADATA = sa.MetaData()
TABLE = idempotency_table(METADATA)
SCOPE = IdempotencyScope(WorkspaceId("ws_1"), "key_1", "CreateDocument", "abc")
BODY = request_hash(b"body")


@pytest.fixture
def database(database_url: str) -> Database:
    database = open_database(database_url, "idempotency_test")
    METADATA.create_all(database.engine)
    return database


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def idempotency(database: Database, clock: FakeClock) -> Idempotency:
    return Idempotency(database, TABLE, clock)


def answer(
    database: Database, idempotency: Idempotency, scope: IdempotencyScope, body: str, fresh: bytes
) -> bytes:
    with database.write() as connection:
        stored = idempotency.replay(connection, scope, body)
        if stored is not None:
            return stored
        idempotency.remember(connection, scope, fresh)
        return fresh


def test_the_first_answer_is_given_again(database: Database, idempotency: Idempotency) -> None:
    """The same key and body get the first answer."""
    assert answer(database, idempotency, SCOPE, BODY, b"first") == b"first"
    assert answer(database, idempotency, SCOPE, BODY, b"second") == b"first"


def test_another_body_is_refused(database: Database, idempotency: Idempotency) -> None:
    """A key stands for one body."""
    answer(database, idempotency, SCOPE, BODY, b"first")
    with pytest.raises(IdempotencyKeyReused):
        answer(database, idempotency, SCOPE, request_hash(b"other"), b"second")


@pytest.mark.parametrize(
    "other",
    [
        replace(SCOPE, workspace_id=WorkspaceId("ws_2")),
        replace(SCOPE, principal="key_2"),
        replace(SCOPE, method="BatchUpsertDocuments"),
        replace(SCOPE, key="abd"),
    ],
)
def test_scopes_are_apart(database: Database, idempotency: Idempotency, other: IdempotencyScope) -> None:
    """The same key means something else to another workspace, principal or method."""
    answer(database, idempotency, SCOPE, BODY, b"first")
    assert answer(database, idempotency, other, BODY, b"second") == b"second"


def test_a_key_is_free_again_after_a_day(
    database: Database, idempotency: Idempotency, clock: FakeClock
) -> None:
    """Answers are kept for 24 hours."""
    answer(database, idempotency, SCOPE, BODY, b"first")
    clock.advance(24 * 3600)
    assert answer(database, idempotency, SCOPE, request_hash(b"other"), b"second") == b"second"


def test_a_request_deletes_its_own_key_alone(
    database: Database, idempotency: Idempotency, clock: FakeClock
) -> None:
    """However many others are over: looking for them would take longer than the request."""
    for key in ("abc", "abd", "abe"):
        answer(database, idempotency, replace(SCOPE, key=key), BODY, b"first")
    clock.advance(24 * 3600)
    answer(database, idempotency, SCOPE, BODY, b"second")
    assert idempotency.prune() == 2


def test_failed_work_leaves_the_key_free(database: Database, idempotency: Idempotency) -> None:
    """An answer that was rolled back was never given."""
    with pytest.raises(RuntimeError), database.write() as connection:
        idempotency.replay(connection, SCOPE, BODY)
        raise RuntimeError
    assert answer(database, idempotency, SCOPE, BODY, b"second") == b"second"


def test_a_key_without_an_answer_is_in_flight(database: Database, idempotency: Idempotency) -> None:
    """Work that spans transactions holds its key from the first one on."""
    with database.write() as connection:
        idempotency.replay(connection, SCOPE, BODY)
    with pytest.raises(IdempotencyKeyInFlight):
        answer(database, idempotency, SCOPE, BODY, b"second")


def test_twenty_at_once_do_the_work_once(database: Database, idempotency: Idempotency) -> None:
    """Of requests that arrive together one does the work and the others get its answer."""
    worked: list[int] = []
    answers: list[bytes] = []

    def ask(number: int) -> None:
        with database.write() as connection:
            stored = idempotency.replay(connection, SCOPE, BODY)
            if stored is None:
                worked.append(number)
                stored = str(number).encode()
                idempotency.remember(connection, SCOPE, stored)
        answers.append(stored)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(worked) == 1
    assert set(answers) == {str(worked[0]).encode()}
    assert len(answers) == 20


def test_a_long_key_is_refused(database: Database, idempotency: Idempotency) -> None:
    """A key has at most 255 characters."""
    with pytest.raises(InvalidArgument):
        answer(database, idempotency, replace(SCOPE, key="x" * 256), BODY, b"")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_first_request_that_takes_long_is_in_flight(database: Database, idempotency: Idempotency) -> None:
    """Who has waited for the first request's transaction as long as for any lock is told so."""
    with database.write() as first:
        idempotency.replay(first, SCOPE, BODY)
        with pytest.raises(IdempotencyKeyInFlight), database.write() as second:
            second.exec_driver_sql("SET LOCAL lock_timeout = '10ms'")
            idempotency.replay(second, SCOPE, BODY)
