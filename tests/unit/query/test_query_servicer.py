"""The end of a stream."""

from typing import cast

import grpc
import pytest
from supportagent.query.v1 import query_service_pb2 as pb

from services.kernel.errors import DomainError, Unavailable
from services.query.api.query_servicer import QueryServicer
from services.query.domain.confidence.calibration import Measurement, Outcomes
from services.query.domain.confidence.calibrations import Calibrations
from services.query.domain.readiness import Readiness
from services.runtime.call import acting_as
from tests.fakes.answering_store import FakeAnsweringStore
from tests.fakes.labelled_scores import FakeLabelledScores
from tests.unit.query.given import ACME, World

REQUEST = pb.StreamQueryRequest(message="When does the Pro plan renew?")
# The servicer asks the current call, never gRPC's context.
NO_CONTEXT = cast(grpc.ServicerContext, None)


def stream(world: World, timeout: float | None = None) -> list[pb.StreamQueryResponse]:
    """Return the events of a stream."""
    shipped = Measurement(world.model.version, "nothing", Outcomes.of([]))
    calibrations = Calibrations(world.model, 0.2, shipped, FakeLabelledScores())
    servicer = QueryServicer(world.asking, Readiness({}, {}), FakeAnsweringStore(), calibrations)
    with acting_as(ACME, timeout):
        return list(servicer.StreamQuery(REQUEST, NO_CONTEXT))


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
