"""First answers whose work is no transaction; on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from services.kernel.errors import InvalidArgument
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database, open_database
from services.runtime.first_answers import LEASE, Claim, FirstAnswers, first_answer_tables
from services.runtime.idempotency import (
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    IdempotencyScope,
    Pruning,
    request_hash,
)
from tests.fakes.clock import FakeClock

METADATA = sa.MetaData()
TABLES = first_answer_tables(METADATA)
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
    return FirstAnswers(database, TABLES, clock)


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
        assert connection.execute(sa.select(sa.func.count()).select_from(TABLES.answers)).scalar_one() == 1


class TestForgetting:
    """Answers go with what they show."""

    WORKSPACE, OTHER = WorkspaceId("ws_1"), WorkspaceId("ws_2")

    def test_answers_that_show_it_are_asked_anew(self, answers: FirstAnswers) -> None:
        """Others stay; how many went is told for each subject, an answer that shows two counts for both."""
        scopes = [replace(SCOPE, key=key) for key in ("a", "ab", "c", "none")]
        for scope, subjects in zip(scopes, ({"a"}, {"a", "b"}, {"c"}, set[str]()), strict=True):
            answers.keep(claimed(answers, scope), b"first", subjects)
        assert answers.forget(self.WORKSPACE, ["b", "a", "unknown"]) == [1, 2, 0]
        assert [answers.claim(scope, BODY) for scope in scopes[2:]] == [b"first", b"first"]
        for scope in scopes[:2]:
            claimed(answers, scope)

    def test_repeated_it_tells_the_same(self, answers: FirstAnswers) -> None:
        """Who got no answer asks again, together with others or alone."""
        answers.keep(claimed(answers), b"first", {"a"})
        assert answers.forget(self.WORKSPACE, ["a"]) == [1]
        assert answers.forget(self.WORKSPACE, ["b", "a", "a"]) == [0, 1, 1]

    def test_what_is_being_made_is_not_kept(self, answers: FirstAnswers, clock: FakeClock) -> None:
        """For as long as the key would be: the key is free again."""
        claim = claimed(answers)
        answers.forget(self.WORKSPACE, ["a"])
        answers.keep(claim, b"late", {"a", "b"})
        answers.keep(claimed(answers, body=OTHER_BODY), b"second", {"b"})
        assert answers.claim(SCOPE, OTHER_BODY) == b"second"
        clock.advance(DAY - 1)
        assert answers.prune() == 0
        late = replace(SCOPE, key="late")
        answers.keep(claimed(answers, late), b"late", {"a"})
        claimed(answers, late)

    def test_what_was_forgotten_goes_after_a_day(self, answers: FirstAnswers, clock: FakeClock) -> None:
        """No answer from before is being made then."""
        answers.forget(self.WORKSPACE, ["a", "b"])
        clock.advance(DAY)
        assert (answers.prune(), answers.prune()) == (2, 0)

    def test_workspaces_are_apart(self, answers: FirstAnswers) -> None:
        """The same name means something else."""
        answers.keep(claimed(answers), b"first", {"a"})
        assert answers.forget(self.OTHER, ["a"]) == [0]
        assert answers.claim(SCOPE, BODY) == b"first"

    def test_subjects_go_with_their_answer(self, answers: FirstAnswers, clock: FakeClock) -> None:
        """When its day is over, or the key is used again after it."""
        answers.keep(claimed(answers), b"old", {"a"})
        other = replace(SCOPE, key="other")
        answers.keep(claimed(answers, other), b"old", {"a"})
        clock.advance(DAY)
        answers.keep(claimed(answers), b"new", {"b"})
        Pruning(answers.prune).prune_all()
        assert answers.forget(self.WORKSPACE, ["a", "b"]) == [0, 1]

    def test_a_lapsed_claim_keeps_no_subjects(self, answers: FirstAnswers, clock: FakeClock) -> None:
        """The other's answer is its own."""
        late = claimed(answers)
        clock.advance(LEASE.total_seconds())
        answers.keep(claimed(answers), b"second", {"b"})
        answers.keep(late, b"late", {"a"})
        assert answers.forget(self.WORKSPACE, ["a"]) == [0]
        assert answers.claim(SCOPE, BODY) == b"second"

    def test_nothing_slips_through_between_the_look_and_the_end(self, answers: FirstAnswers) -> None:
        """Whichever of the two is first: afterwards no answer shows what was forgotten."""
        for number in range(20):
            scope, subject = replace(SCOPE, key=f"key {number}"), f"doc {number}"
            claim = claimed(answers, scope)
            begin = threading.Barrier(2)

            def keep(claim: Claim = claim, subject: str = subject, begin: threading.Barrier = begin) -> None:
                begin.wait()
                answers.keep(claim, b"first", {subject})

            keeping = threading.Thread(target=keep)
            keeping.start()
            begin.wait()
            answers.forget(self.WORKSPACE, [subject])
            keeping.join()
            claimed(answers, scope)
