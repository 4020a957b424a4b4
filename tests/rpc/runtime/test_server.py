"""The plumbing, seen over real gRPC: the conversations contract with a scripted servicer behind it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY
from supportagent.conversations.v1 import turn_service_pb2 as pb
from supportagent.conversations.v1 import turn_service_pb2_grpc as pb_grpc

from services.kernel.caller import Caller
from services.kernel.errors import (
    DeadlineExceeded,
    DomainError,
    ErrorKind,
    InvalidArgument,
    Unavailable,
    Violation,
)
from services.kernel.ids import WorkspaceId
from services.runtime.call import acting_as, seconds_left
from services.runtime.channel import call, open_channel
from services.runtime.health import Health, is_serving
from services.runtime.interceptors.caller import caller
from services.runtime.server import RunningServer, Service, start_server
from services.runtime.serving_threads import ServingThreads
from services.runtime.settings import Secret
from services.runtime.status import RemoteError

CREDENTIAL = Secret("of this installation")
ANNA = Caller(WorkspaceId("ws_anna"), "key_1", frozenset({"query"}), "test", "req-1")
WORKERS = 4
METHOD = "/supportagent.conversations.v1.TurnService/GetHistory"


class ConversationLost(DomainError):
    kind = ErrorKind.NOT_FOUND
    reason = "CONVERSATION_NOT_FOUND"


class ScriptedTurns(pb_grpc.TurnServiceServicer):
    """Does what the test says."""

    def __init__(self) -> None:
        self.script: Callable[[grpc.ServicerContext], None] = lambda _context: None
        self.calls = 0

    def AppendTurn(self, request: Any, context: grpc.ServicerContext) -> Any:
        raise AssertionError("no test calls this")

    def GetHistory(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.calls += 1
        self.script(context)
        return pb.GetHistoryResponse()


@pytest.fixture
def turns() -> ScriptedTurns:
    return ScriptedTurns()


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def server(turns: ScriptedTurns, health: Health) -> Iterator[RunningServer]:
    name = pb.DESCRIPTOR.services_by_name["TurnService"].full_name
    service = Service(name, pb_grpc.add_TurnServiceServicer_to_server, turns)
    server = start_server(
        [service], credential=CREDENTIAL, health=health, reflect=True, threads=ServingThreads(WORKERS)
    )
    yield server
    server.stop(0)


def stub(server: RunningServer, credential: Secret = CREDENTIAL, idempotent: tuple[str, ...] = ()) -> Any:
    return pb_grpc.TurnServiceStub(open_channel(server.address, credential=credential, idempotent=idempotent))


def ask(server: RunningServer, timeout: float = 5) -> None:
    call(stub(server).GetHistory, pb.GetHistoryRequest(), timeout=timeout)


def test_the_caller_travels(server: RunningServer, turns: ScriptedTurns) -> None:
    """What one service knows of the caller the next one knows too."""
    seen: list[Caller] = []
    turns.script = lambda context: seen.append(caller(context))
    with acting_as(ANNA):
        ask(server)
    assert seen == [ANNA]


def test_a_stranger_is_refused(server: RunningServer, turns: ScriptedTurns) -> None:
    """Without the installation's credential nothing is served, whatever the metadata claims."""
    with acting_as(ANNA), pytest.raises(RemoteError) as refused:
        call(stub(server, Secret("guessed")).GetHistory, pb.GetHistoryRequest(), timeout=5)
    assert refused.value.reason == "INTERNAL_CREDENTIAL_REFUSED"
    assert turns.calls == 0


def test_no_workspace_is_unauthenticated(server: RunningServer, turns: ScriptedTurns) -> None:
    """A servicer that asks for the caller never gets one without a workspace."""
    turns.script = lambda context: (caller(context), None)[1]
    with pytest.raises(RemoteError) as refused:
        ask(server)
    assert refused.value.kind == ErrorKind.UNAUTHENTICATED


def test_a_domain_error_arrives_whole(server: RunningServer, turns: ScriptedTurns) -> None:
    """Kind, reason, detail, metadata and violations reach the calling side."""

    def lose(_context: grpc.ServicerContext) -> None:
        raise ConversationLost("No such conversation.", metadata={"id": "conv_1"})

    turns.script = lose
    with pytest.raises(RemoteError) as lost:
        ask(server)
    assert (lost.value.kind, lost.value.reason) == (ErrorKind.NOT_FOUND, "CONVERSATION_NOT_FOUND")
    assert (lost.value.detail, lost.value.metadata) == ("No such conversation.", {"id": "conv_1"})

    def refuse(_context: grpc.ServicerContext) -> None:
        raise InvalidArgument.of([Violation("/a", "x"), Violation("/b", "y")])

    turns.script = refuse
    with pytest.raises(RemoteError) as refused:
        ask(server)
    assert [each.pointer for each in refused.value.violations] == ["/a", "/b"]


def test_overload_is_refused_at_once(turns: ScriptedTurns, health: Health) -> None:
    """
    Beyond the limit a call is told when to come back, health is told still, and nobody's place is lost.

    To another service that is no limit of its caller's, but a service that is away for a moment.
    """
    free, begun = threading.Event(), threading.Semaphore(0)

    def wait(_context: grpc.ServicerContext) -> None:
        begun.release()
        free.wait(30)

    turns.script = wait
    health.set_serving(True)
    name = pb.DESCRIPTOR.services_by_name["TurnService"].full_name
    service = Service(name, pb_grpc.add_TurnServiceServicer_to_server, turns)
    server = start_server(
        [service], credential=CREDENTIAL, health=health, threads=ServingThreads(2), max_in_flight=4
    )
    channel = open_channel(server.address, credential=CREDENTIAL)
    history = pb_grpc.TurnServiceStub(channel).GetHistory
    taken = [history.future(pb.GetHistoryRequest(), timeout=30) for _ in range(2)]
    begun.acquire()
    begun.acquire()
    taken += [history.future(pb.GetHistoryRequest(), timeout=1) for _ in range(2)]
    with pytest.raises(grpc.RpcError) as full:
        history(pb.GetHistoryRequest(), timeout=10)
    assert full.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(Unavailable) as refused:
        call(history, pb.GetHistoryRequest(), timeout=10)
    assert refused.value.retry_after == 0.25
    assert is_serving(channel, 5)

    # Two give up before they are begun: they are never done, and their places are free again.
    assert [each.exception() is not None for each in taken[2:]] == [True, True]
    # The server has heard of it once it answers what was sent later on the same connection.
    assert is_serving(channel, 5)
    free.set()
    assert [each.exception() for each in taken[:2]] == [None, None]
    for _ in range(8):
        call(history, pb.GetHistoryRequest(), timeout=10)
    assert turns.calls == 10
    server.stop(0)


def test_the_unforeseen_discloses_nothing(
    server: RunningServer, turns: ScriptedTurns, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception's text stays here; the caller gets a reference that the log has too."""

    def fail(_context: grpc.ServicerContext) -> None:
        raise ValueError("password=hunter2")

    turns.script = fail
    with pytest.raises(RemoteError) as failed:
        ask(server)
    assert failed.value.kind == ErrorKind.INTERNAL
    assert "hunter2" not in failed.value.detail
    assert failed.value.metadata["reference"] in failed.value.detail


def test_deadlines_shrink(server: RunningServer, turns: ScriptedTurns) -> None:
    """A call may take what the caller has left, less a margin; past it the caller is told."""
    seen: list[float | None] = []
    turns.script = lambda _context: seen.append(seconds_left())
    with acting_as(ANNA, timeout=2):
        ask(server, timeout=60)
    assert seen[0] is not None
    assert 0 < seen[0] < 2
    release = threading.Event()
    turns.script = lambda _context: (release.wait(5), None)[1]
    with acting_as(ANNA, timeout=0.3), pytest.raises(DeadlineExceeded):
        ask(server, timeout=60)
    release.set()


def test_no_deadline_is_none(server: RunningServer, turns: ScriptedTurns) -> None:
    """A call without a deadline has no end."""
    seen: list[float | None] = []
    turns.script = lambda _context: seen.append(seconds_left())
    stub(server).GetHistory(pb.GetHistoryRequest())
    assert seen == [None]


def unavailable_once(turns: ScriptedTurns) -> None:
    def script(_context: grpc.ServicerContext) -> None:
        if turns.calls == 1:
            raise Unavailable("not yet")

    turns.script = script


def test_only_what_is_safe_is_retried(server: RunningServer, turns: ScriptedTurns) -> None:
    """A method named as idempotent is tried again when UNAVAILABLE, any other is not."""
    unavailable_once(turns)
    with pytest.raises(RemoteError) as refused:
        ask(server)
    assert refused.value.kind == ErrorKind.UNAVAILABLE
    turns.calls = 0
    call(stub(server, idempotent=(METHOD,)).GetHistory, pb.GetHistoryRequest(), timeout=5)
    assert turns.calls == 2


def test_nobody_there_is_unavailable() -> None:
    """A port that nobody listens on is a domain error like any other."""
    nobody = open_channel("127.0.0.1:1", credential=CREDENTIAL)
    with pytest.raises(Unavailable):
        call(pb_grpc.TurnServiceStub(nobody).GetHistory, pb.GetHistoryRequest(), timeout=1)


def test_health_needs_no_credential(server: RunningServer, health: Health) -> None:
    """Anybody may ask whether the process serves; it does once it says so, and no longer once it drains."""
    channel = grpc.insecure_channel(server.address)
    assert not is_serving(channel, 2)
    health.set_serving(True)
    assert is_serving(channel, 2)
    health.drain()
    assert not is_serving(channel, 2)


def test_part_is_told_apart(server: RunningServer, health: Health) -> None:
    """A part that fails shows by its name, the process goes on serving; an unknown one is not well."""
    channel = grpc.insecure_channel(server.address)
    health.set_serving(True)
    health.set_part("limits", False)
    assert is_serving(channel, 2)
    assert not is_serving(channel, 2, "limits")
    health.set_part("limits", True)
    assert is_serving(channel, 2, "limits")
    assert not is_serving(channel, 2, "no-such-part")


def test_health_is_told_while_all_threads_are_busy(
    server: RunningServer, turns: ScriptedTurns, health: Health
) -> None:
    """Neither calls that wait nor watchers of health keep a process from saying that it serves."""
    health.set_serving(True)
    channel = grpc.insecure_channel(server.address)
    watchers = [
        health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest()) for _ in range(WORKERS)
    ]
    assert [next(each).status for each in watchers] == [health_pb2.HealthCheckResponse.SERVING] * WORKERS
    ask(server)
    all_busy, release = threading.Barrier(WORKERS + 1), threading.Event()
    turns.script = lambda _context: (all_busy.wait(10), release.wait(10), None)[2]
    with ThreadPoolExecutor(WORKERS) as asking:
        answers = [asking.submit(ask, server, 20) for _ in range(WORKERS)]
        all_busy.wait(10)
        assert is_serving(channel, 5)
        release.set()
        assert [each.result() for each in answers] == [None] * WORKERS


def test_an_empty_credential_is_refused() -> None:
    """No server starts that would take a missing credential for the right one."""
    with pytest.raises(ValueError, match="credential"):
        start_server([], credential=Secret(""))


def test_streamed_requests_do_not_pass_unchecked(turns: ScriptedTurns) -> None:
    """A kind of call that no check stands before is not served."""
    served: list[bytes] = []

    def take(requests: Iterator[bytes], _context: grpc.ServicerContext) -> bytes:
        served.extend(requests)
        return b""

    method: Any = grpc.stream_unary_rpc_method_handler(take)
    handler = grpc.method_handlers_generic_handler("some.Service", {"Take": method})
    service = Service("some.Service", lambda _servicer, to: to.add_generic_rpc_handlers((handler,)), turns)
    server = start_server([service], credential=CREDENTIAL)
    with pytest.raises(grpc.RpcError):
        call_it: Any = grpc.insecure_channel(server.address).stream_unary("/some.Service/Take")
        call_it(iter([b"x"]), metadata=[("x-internal-credential", "of this installation")])
    assert served == []
    server.stop(0)


def test_many_violations_arrive(server: RunningServer, turns: ScriptedTurns) -> None:
    """A request that is wrong in a thousand places is told so, not that the service is away."""

    def refuse(_context: grpc.ServicerContext) -> None:
        raise InvalidArgument.of([Violation(f"/metadata/{i}", "is too long") for i in range(1000)])

    turns.script = refuse
    with pytest.raises(RemoteError) as refused:
        ask(server)
    assert refused.value.kind == ErrorKind.INVALID_ARGUMENT
    assert len(refused.value.violations) > 100


def test_what_the_other_side_cancels_is_unavailable(server: RunningServer, turns: ScriptedTurns) -> None:
    """A server that stops cancels calls; whoever waits for the answer is told to come back."""
    turns.script = lambda context: (context.cancel(), None)[1]
    with pytest.raises(Unavailable):
        ask(server)


def test_an_answer_that_nobody_waits_for_is_no_success(server: RunningServer, turns: ScriptedTurns) -> None:
    """The count of calls tells apart what reached the caller and what came too late."""

    def handled(code: str) -> float:
        labels = {"method": METHOD, "code": code}
        return REGISTRY.get_sample_value("grpc_server_handled_total", labels) or 0

    def outlast(context: grpc.ServicerContext) -> None:
        while context.is_active():
            time.sleep(0.01)

    before, succeeded = handled("CANCELLED"), handled("OK")
    turns.script = outlast
    with pytest.raises(DeadlineExceeded):
        ask(server, timeout=0.2)
    while handled("CANCELLED") + handled("OK") == before + succeeded:
        time.sleep(0.01)
    assert (handled("CANCELLED"), handled("OK")) == (before + 1, succeeded)


def test_stopping_lets_calls_in_flight_end(server: RunningServer, turns: ScriptedTurns) -> None:
    """A call that has begun is answered although the server is told to stop."""
    begun = threading.Event()

    def slowly(_context: grpc.ServicerContext) -> None:
        begun.set()
        time.sleep(0.3)

    turns.script = slowly
    ended: list[str] = []

    def wait() -> None:
        ask(server)
        ended.append("answered")

    asking = threading.Thread(target=wait)
    asking.start()
    assert begun.wait(5)
    server.stop(5)
    asking.join(5)
    assert ended == ["answered"]
