"""First answers whose work is no transaction; on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from services.kernel.errors import InvalidArgument
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database, open_database
from services.runtime.first_answers import LEASE, Claim, FirstAnswers, first_answers_table
from services.runtime.idempotency import (
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    IdempotencyScope,
    Pruning,
    request_hash,
)
from tests.fakes.clock import FakeClock

METADATA = sa.MetaData()
TABLE = first_answers_table(METADATA)
SCOPE = IdempotencyScope(WorkspaceId("ws_1"), "key_1", "QueryRequest", "abc")
BODY, OTHER_BODY = request_hash(b"body"), request_hash(b"other")
DAY = 24 * 3600


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty store."""
    database = open_database(database_url, "first_answers_test")
    METADATA.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def answers(database: Database, clock: FakeClock) -> FirstAnswers:
    """The store."""
    return FirstAnswers(database, TABLE, clock)


def claimed(answers: FirstAnswers, scope: IdempotencyScope = SCOPE, body: str = BODY) -> Claim:
    """Return the claim of who is the first."""
    claim = answers.claim(scope, body)
    assert isinstance(claim, Claim)
    return claim


def test_the_first_answer_is_given_again(answers: FirstAnswers, clock: FakeClock) -> None:
    """Byte for byte, for 24 hours."""
    answers.keep(claimed(answers), b"\x00first")
    clock.advance(DAY - 1)
    assert answers.claim(SCOPE, BODY) == b"\x00first"
    clock.advance(1)
    claimed(answers)


def test_an_empty_answer_is_an_answer(answers: FirstAnswers) -> None:
    """A message of defaults alone has no bytes."""
    answers.keep(claimed(answers), b"")
    assert answers.claim(SCOPE, BODY) == b""


def test_while_the_first_is_worked_on_the_key_is_in_flight(answers: FirstAnswers, clock: FakeClock) -> None:
    """Until its lease ends: a process that died frees its keys."""
    claimed(answers)
    clock.advance(LEASE.total_seconds() - 1)
    with pytest.raises(IdempotencyKeyInFlight):
        answers.claim(SCOPE, BODY)
    clock.advance(1)
    claimed(answers)


@pytest.mark.parametrize("kept", [True, False])
def test_another_body_is_refused(answers: FirstAnswers, kept: bool) -> None:
    """Whether the first has been answered or not."""
    claim = claimed(answers)
    if kept:
        answers.keep(claim, b"first")
    with pytest.raises(IdempotencyKeyReused):
        answers.claim(SCOPE, OTHER_BODY)


def test_a_released_key_is_free(answers: FirstAnswers) -> None:
    """A failure is not kept: the next request, of whatever body, is the first."""
    answers.release(claimed(answers))
    answers.keep(claimed(answers, body=OTHER_BODY), b"second")
    assert answers.claim(SCOPE, OTHER_BODY) == b"second"


def test_a_kept_answer_is_not_released(answers: FirstAnswers) -> None:
    """What was told stays."""
    claim = claimed(answers)
    answers.keep(claim, b"first")
    answers.release(claim)
    assert answers.claim(SCOPE, BODY) == b"first"


def test_a_lapsed_claim_has_no_say(answers: FirstAnswers, clock: FakeClock) -> None:
    """Who was paused beyond its lease neither overwrites nor frees what another holds."""
    late = claimed(answers)
    clock.advance(LEASE.total_seconds())
    second = claimed(answers)
    answers.keep(late, b"late")
    answers.release(late)
    with pytest.raises(IdempotencyKeyInFlight):
        answers.claim(SCOPE, BODY)
    answers.keep(second, b"second")
    assert answers.claim(SCOPE, BODY) == b"second"


@pytest.mark.parametrize(
    "other",
    [
        replace(SCOPE, workspace_id=WorkspaceId("ws_2")),
        replace(SCOPE, principal="key_2"),
        replace(SCOPE, method="StreamQueryRequest"),
        replace(SCOPE, key="abd"),
    ],
)
def test_scopes_are_apart(answers: FirstAnswers, other: IdempotencyScope) -> None:
    """The same key means something else to another workspace, API key or method."""
    answers.keep(claimed(answers), b"first")
    answers.keep(claimed(answers, other), b"second")
    assert (answers.claim(SCOPE, BODY), answers.claim(other, BODY)) == (b"first", b"second")


def test_a_long_key_is_refused(answers: FirstAnswers) -> None:
    """A key has at most 255 characters."""
    with pytest.raises(InvalidArgument):
        answers.claim(replace(SCOPE, key="x" * 256), BODY)


def test_of_twenty_at_once_one_is_the_first(answers: FirstAnswers) -> None:
    """The others are told that it is being worked on."""
    first: list[Claim | bytes] = []
    in_flight: list[IdempotencyKeyInFlight] = []

    def ask() -> None:
        try:
            first.append(answers.claim(SCOPE, BODY))
        except IdempotencyKeyInFlight as error:
            in_flight.append(error)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(first), len(in_flight)) == (1, 19)


def test_what_is_over_is_deleted_everywhere(answers: FirstAnswers, clock: FakeClock) -> None:
    """Also of workspaces that ask no more; what is younger stays."""
    old = [replace(SCOPE, workspace_id=WorkspaceId(f"ws_{n}")) for n in range(3)]
    for scope in old:
        answers.keep(claimed(answers, scope), b"old")
    clock.advance(DAY)
    young = replace(SCOPE, key="young")
    answers.keep(claimed(answers, young), b"young")
    Pruning(answers.prune).prune_all()
    assert answers.prune() == 0
    assert answers.claim(young, BODY) == b"young"
    with answers._database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(TABLE)).scalar_one() == 1
