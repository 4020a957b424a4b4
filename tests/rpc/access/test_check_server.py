"""The check's server under load, while parts hang, and at its end."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from itertools import islice

import httpx
import pytest

from gateway.access.api.check_handler import CheckHandler
from gateway.access.api.check_server import CheckServer
from gateway.access.domain.check import Asked
from gateway.access.domain.decision import Denied, Later, Needs, Passed
from services.kernel.ids import WorkspaceId
from services.runtime.settings import Secret

_CREDENTIAL = "internal-credential"


class HangingChecks:
    """
    Decides as the authorization header says: at once, or later when `go_on` is called.

    `begun` counts what hangs on a thread.
    """

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self._go_on = threading.Event()

    def __call__(self, asked: Asked) -> Passed | Denied | Later:
        """Decide."""
        if asked.authorization == "at once":
            return Passed()
        hangs = asked.authorization.startswith("hanging ")
        needs = Needs(asked.authorization.rpartition(" ")[2])
        return Later(needs, self._hang if hangs else Passed)

    def go_on(self) -> None:
        """Let all that hangs pass, now and from now on."""
        self._go_on.set()

    def _hang(self) -> Passed:
        self.begun.release()
        self._go_on.wait()
        return Passed()


class Bench:
    """A server with two threads for each need and room for one more, and what asks it."""

    def __init__(self, patience_seconds: float) -> None:
        self.checks = HangingChecks()
        self.no_queries: list[str] = []
        app = CheckHandler(
            self.checks,
            self._take_back,
            Secret(_CREDENTIAL),
            threads=2,
            most_waiting=3,
            patience_seconds=patience_seconds,
        )
        self.server = CheckServer(app, "127.0.0.1:0")
        self.server.start()
        self._client = httpx.Client(base_url=f"http://{self.server.address}", timeout=30)
        self._asking = ThreadPoolExecutor(8)

    def ask(self, authorization: str) -> Future[httpx.Response]:
        """Ask, without waiting for the answer."""
        headers = {
            "x-internal-credential": _CREDENTIAL,
            "x-route-rule": "anyone||false|request|X",
            "authorization": authorization,
        }
        return self._asking.submit(lambda: self._client.get("/", headers=headers))

    def hang(self, needs: str, times: int) -> list[Future[httpx.Response]]:
        """Ask for what hangs, and return when it does."""
        hanging = [self.ask(f"hanging {needs}") for _ in range(times)]
        for _ in hanging:
            assert self.checks.begun.acquire(timeout=10)
        return hanging

    def tell(self, headers: dict[str, str]) -> httpx.Response:
        """Send a message with these headers."""
        return self._client.post("/", headers=headers)

    def _take_back(self, workspace_id: WorkspaceId) -> None:
        self.no_queries.append(workspace_id)
        if workspace_id == "ws_odd":
            raise ValueError("odd")

    def connected(self) -> socket.socket:
        """Return a connection of its own."""
        host, _, port = self.server.address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=10)

    def close(self) -> None:
        """End all."""
        self.checks.go_on()
        self._asking.shutdown()
        self._client.close()
        self.server.stop()


@pytest.fixture
def serve() -> Iterator[Callable[..., Bench]]:
    """Return what starts a bench."""
    benches: list[Bench] = []

    def start(patience_seconds: float = 60) -> Bench:
        benches.append(Bench(patience_seconds))
        return benches[-1]

    yield start
    for each in benches:
        each.close()


def _outcome(asked: Future[httpx.Response]) -> tuple[int, str]:
    answer = asked.result(30)
    return answer.status_code, answer.json()["code"] if answer.content else ""


def test_a_hanging_store_delays_no_known_key(serve: Callable[..., Bench]) -> None:
    """While all look-ups hang, checks that need none, or the counters only, are answered."""
    bench = serve()
    hanging = bench.hang("store", 2)
    assert _outcome(bench.ask("at once")) == (200, "")
    assert _outcome(bench.ask("quick counters")) == (200, "")
    bench.checks.go_on()
    assert [_outcome(each) for each in hanging] == [(200, "")] * 2


def test_too_much_is_refused_at_once(serve: Callable[..., Bench]) -> None:
    """Beyond what may wait the next one gets 503 and when to come back, instead of waiting behind."""
    bench = serve()
    hanging = bench.hang("store", 2)
    waiting = [bench.ask("quick store") for _ in range(4)]
    refused = list(islice(as_completed(waiting, timeout=30), 3))
    assert [_outcome(each) for each in refused] == [(503, "UNAVAILABLE")] * 3
    assert refused[0].result().headers["retry-after"] == "1"
    bench.checks.go_on()
    assert [_outcome(each) for each in {*hanging, *waiting} - set(refused)] == [(200, "")] * 3


def test_what_has_ended_makes_room(serve: Callable[..., Bench]) -> None:
    """Only what is there counts, not what was."""
    bench = serve()
    assert [_outcome(bench.ask("quick store")) for _ in range(5)] == [(200, "")] * 5


def test_what_waited_too_long_is_not_begun(serve: Callable[..., Bench]) -> None:
    """A check that nobody waits for any more would take a token for nothing: it is refused."""
    bench = serve(patience_seconds=0)
    assert _outcome(bench.ask("hanging store")) == (503, "UNAVAILABLE")
    assert not bench.checks.begun.acquire(blocking=False)


def test_what_was_asked_is_answered_at_the_end(serve: Callable[..., Bench]) -> None:
    """A server that stops answers what it has begun, and takes nothing new."""
    bench = serve()
    hanging = bench.hang("counters", 1)
    stopping = threading.Thread(target=bench.server.stop)
    stopping.start()
    _wait_until_refused(bench.server.address)
    stopping.join(0.5)
    assert stopping.is_alive()
    bench.checks.go_on()
    assert _outcome(hanging[0]) == (200, "")
    stopping.join(30)
    assert not stopping.is_alive()


def test_what_was_no_query_is_taken_back(serve: Callable[..., Bench]) -> None:
    """The gateway tells it in a message of its own; nobody else may."""
    bench = serve()
    assert bench.tell({"x-no-query": "ws_1", "x-internal-credential": _CREDENTIAL}).status_code == 204
    assert bench.tell({"x-no-query": "ws_2", "x-internal-credential": "wrong"}).status_code == 404
    assert bench.tell({"x-no-query": "ws_odd", "x-internal-credential": _CREDENTIAL}).status_code == 500
    assert bench.no_queries == ["ws_1", "ws_odd"]


def test_an_address_that_is_taken(serve: Callable[..., Bench]) -> None:
    """The process learns it before it says that it serves."""
    bench = serve()
    with pytest.raises(OSError, match="in use"):
        CheckServer(
            CheckHandler(bench.checks, bench.no_queries.append, Secret(_CREDENTIAL)), bench.server.address
        )


@pytest.mark.parametrize("asking", ["at once", "quick counters"])
def test_questions_that_did_not_wait(serve: Callable[..., Bench], asking: str) -> None:
    """Questions that are sent before the last one is answered are answered in their order, none twice."""
    with serve().connected() as wire:
        wire.sendall(_question(asking) + _question("nobody's", credential="wrong") + _question("at once"))
        assert _statuses(wire, 3) == [200, 404, 200]


def test_a_question_in_pieces(serve: Callable[..., Bench]) -> None:
    """How a question is cut into packets makes no difference."""
    with serve().connected() as wire:
        for byte in _question("at once"):
            wire.sendall(bytes([byte]))
        assert _statuses(wire, 1) == [200]


def test_the_last_question(serve: Callable[..., Bench]) -> None:
    """Who says that it is the last one gets the answer, and then the end."""
    with serve().connected() as wire:
        wire.sendall(_question("quick counters", "connection: close"))
        assert _statuses(wire, 1) == [200]
        assert wire.recv(1) == b""


@pytest.mark.parametrize("text", [b"no HTTP at all\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"x" * 300_000])
def test_what_is_no_question(serve: Callable[..., Bench], text: bytes) -> None:
    """Noise, and headers without an end, end the connection and nothing else."""
    bench = serve()
    with bench.connected() as wire:
        wire.sendall(text)
        assert _rest(wire) == b""
    assert _outcome(bench.ask("at once")) == (200, "")


def test_no_empty_credential() -> None:
    """Without a credential everybody would be the gateway."""
    with pytest.raises(ValueError, match="everybody"):
        CheckHandler(HangingChecks(), lambda _: None, Secret(""))


def _question(asking: str, *more: str, credential: str = _CREDENTIAL) -> bytes:
    lines = (
        "GET / HTTP/1.1",
        "host: check",
        f"x-internal-credential: {credential}",
        "x-route-rule: anyone||false|request|X",
        f"authorization: {asking}",
        *more,
    )
    return "".join(line + "\r\n" for line in (*lines, "")).encode()


def _statuses(wire: socket.socket, count: int) -> list[int]:
    read = b""
    while read.count(b"HTTP/1.1 ") < count or not read.endswith(b"\r\n\r\n"):
        read += wire.recv(4096)
    return [int(each[:3]) for each in read.split(b"HTTP/1.1 ")[1:]]


def _rest(wire: socket.socket) -> bytes:
    try:
        return wire.recv(1)
    except ConnectionResetError:
        return b""


def _wait_until_refused(address: str) -> None:
    host, _, port = address.rpartition(":")
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return
