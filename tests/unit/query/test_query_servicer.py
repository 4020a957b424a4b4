"""The end of a stream."""

from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from supportagent.query.v1 import query_service_pb2 as pb

from services.kernel.errors import DeadlineExceeded, DomainError, Unavailable
from services.query.api.metering import Metering
from services.query.api.once import Once
from services.query.api.query_servicer import QueryServicer
from services.query.domain.confidence.calibration import Measurement, Outcomes
from services.query.domain.confidence.calibrations import Calibrations
from services.query.domain.readiness import Readiness
from services.query.storage import schema
from services.runtime.call import acting_as
from services.runtime.database import Database
from services.runtime.first_answers import FirstAnswers
from tests.fakes.answering_store import FakeAnsweringStore
from tests.fakes.labelled_scores import FakeLabelledScores
from tests.fakes.servicer_context import context
from tests.unit.query.given import ACME, World

REQUEST = pb.StreamQueryRequest(message="When does the Pro plan renew?")


def servicer(world: World, once: Once | None = None) -> QueryServicer:
    """Return the servicer of a world."""
    shipped = Measurement(world.model.version, "nothing", Outcomes.of([]))
    calibrations = Calibrations(world.model, 0.2, shipped, FakeLabelledScores())
    # Nothing here has an Idempotency-Key: the database is not asked.
    once = once or Once(FirstAnswers(Database(sa.create_engine("sqlite://")), schema.first_answers))
    metering = Metering(world.counter, world.clock)
    return QueryServicer(world.asking, Readiness({}, {}), FakeAnsweringStore(), calibrations, once, metering)


def stream(world: World, timeout: float | None = None) -> list[pb.StreamQueryResponse]:
    """Return the events of a stream."""
    with acting_as(ACME, timeout):
        return list(servicer(world).StreamQuery(REQUEST, context()))


def test_a_passing_deadline_is_the_last_event() -> None:
    """The caller is told while it still listens; nothing is stored."""
    world = World()
    events = stream(world, timeout=0.01)
    assert [event.WhichOneof("event") for event in events] == ["sources", "error"]
    assert (events[-1].error.status, events[-1].error.code) == (504, "DEADLINE_EXCEEDED")


@pytest.mark.parametrize(
    ("failure", "status", "code"), [(Unavailable("no place"), 503, "UNAVAILABLE"), (None, 500, "INTERNAL")]
)
def test_a_failure_after_the_first_event_is_the_last(
    failure: DomainError | None, status: int, code: str
) -> None:
    """Foreseen or not; what is not foreseen tells nothing but its reference."""
    world = World()
    world.transcripts.failure = Unavailable("away")
    world.outbox.failure = failure or cast(DomainError, RuntimeError("secret text"))
    *others, last = stream(world)
    assert others[0].HasField("sources")
    assert not any(event.HasField("completed") or event.HasField("error") for event in others)
    assert (last.error.status, last.error.code) == (status, code)
    assert last.error.request_id == ACME.request_id
    assert "secret" not in last.error.detail


def test_a_failure_before_the_first_event_fails_the_call() -> None:
    """There is no stream then."""
    world = World()
    world.search.failure = Unavailable("no search")
    with pytest.raises(Unavailable):
        stream(world)


def test_an_answer_is_charged_before_its_end_is_told() -> None:
    """Once, and not before it is whole."""
    world = World()
    with acting_as(ACME):
        for event in servicer(world).StreamQuery(REQUEST, context()):
            told = "answered" if event.HasField("completed") else None
            assert [each for each, _ in world.counter.counts] == ([told] if told else [])
    assert world.counter.counts == [("answered", ACME)]


def test_a_withheld_answer_is_one() -> None:
    """It took the same work."""
    world = World(min_confidence=1.0)
    *_, last = stream(world)
    assert not last.completed.answered
    assert world.counter.counts == [("answered", ACME)]


@pytest.mark.parametrize("after_events", [False, True])
def test_a_failure_is_not_charged(after_events: bool) -> None:
    """Before the first event or after it."""
    world = World()
    if after_events:
        world.transcripts.failure = world.outbox.failure = Unavailable("no place")
        stream(world)
    else:
        world.search.failure = Unavailable("no search")
        with pytest.raises(Unavailable):
            stream(world)
    assert world.counter.counts == [("failed", ACME)]


@pytest.mark.parametrize(("seen", "counted"), [("sources", "failed"), ("delta", "answered")])
def test_who_hangs_up_with_the_text_in_hand_is_charged(seen: str, counted: str) -> None:
    """Else answers would be free for those who leave before the last event."""
    world = World()
    with acting_as(ACME):
        events = cast(
            Generator[pb.StreamQueryResponse, None, None], servicer(world).StreamQuery(REQUEST, context())
        )
        while next(events).WhichOneof("event") != seen:
            pass
        events.close()
    assert world.counter.counts == [(counted, ACME)]


def test_an_answer_is_charged_once() -> None:
    """The unary call."""
    world = World()
    with acting_as(ACME):
        servicer(world).Query(pb.QueryRequest(message=REQUEST.message), context())
    assert world.counter.counts == [("answered", ACME)]


def test_an_answer_that_comes_too_late_is_not_charged() -> None:
    """Its caller has got an error by then."""
    world = World()
    with pytest.raises(DeadlineExceeded), acting_as(ACME, timeout=0):
        servicer(world).Query(pb.QueryRequest(message=REQUEST.message), context())
    assert world.counter.counts == [("failed", ACME)]


def test_an_answer_that_comes_too_late_is_not_kept(tmp_path: Path) -> None:
    """Else whoever repeats the question with its key would have an answer that nobody is charged for."""
    world = World()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'query.sqlite3'}")
    schema.metadata.create_all(engine)
    asked = servicer(world, Once(FirstAnswers(Database(engine), schema.first_answers)))
    for timeout in (0, None):
        with suppress(DeadlineExceeded), acting_as(ACME, timeout):
            asked.Query(pb.QueryRequest(message=REQUEST.message), context(idempotency_key="abc"))
    assert world.counter.counts == [("failed", ACME), ("answered", ACME)]
