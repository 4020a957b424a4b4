"""Server-sent events."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
from supportagent.query.v1 import query_service_pb2 as pb

from services.kernel.errors import ErrorKind
from tests.gateway.conftest import Gateway
from tests.gateway.problem_body import KEYS, assert_problem
from tests.gateway.test_upstream_errors import fail

PATH = "/v1/query/stream"


def events(text: str) -> list[dict[str, Any]]:
    """Return the events of a stream's text."""
    blocks = text.split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


def test_a_stream(client: httpx.Client) -> None:
    """Each event is one `data:` line with exactly one key; deltas join to the answer."""
    response = client.post(PATH, json={"message": "hi\nthere"})
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-store"
    seen = events(response.text)
    assert [list(event) for event in seen] == [["sources"], ["delta"], ["delta"], ["completed"]]
    joined = "".join(event["delta"]["text"] for event in seen if "delta" in event)
    assert joined == seen[-1]["completed"]["answer"]


def test_empty_events_keep_their_name(client: httpx.Client, gateway: Gateway) -> None:
    """An event whose message is all defaults is still that event, and no other."""

    def behaviour(request: Any, context: grpc.ServicerContext) -> Iterator[pb.StreamQueryResponse]:
        yield pb.StreamQueryResponse(delta=pb.Delta())
        yield pb.StreamQueryResponse(error=pb.Problem(type="about:blank", status=503, code="UNAVAILABLE"))

    gateway.query.calls.on("StreamQuery", behaviour)
    seen = events(client.post(PATH, json={"message": "hi"}).text)
    assert seen[0] == {"delta": {"text": ""}}
    assert list(seen[1]) == ["error"]
    assert sorted(seen[1]["error"]) == sorted(KEYS)
    assert seen[1]["error"]["status"] == 503


def test_events_are_not_held_back(client: httpx.Client, gateway: Gateway) -> None:
    """An event reaches the caller while the service is still working on the next one."""
    go_on = threading.Event()

    def behaviour(request: Any, context: grpc.ServicerContext) -> Iterator[pb.StreamQueryResponse]:
        yield pb.StreamQueryResponse(delta=pb.Delta(text="first"))
        assert go_on.wait(20)
        yield pb.StreamQueryResponse(delta=pb.Delta(text="second"))

    gateway.query.calls.on("StreamQuery", behaviour)
    with client.stream("POST", PATH, json={"message": "hi"}) as response:
        lines = response.iter_lines()
        assert "first" in next(lines)
        go_on.set()
        assert any("second" in line for line in lines)


def test_an_error_before_the_first_event(client: httpx.Client, gateway: Gateway) -> None:
    """What goes wrong before the first event is a problem with its own status."""
    behaviour = fail("CONVERSATION_NOT_FOUND", ErrorKind.NOT_FOUND)
    gateway.query.calls.on("StreamQuery", behaviour)
    assert_problem(client.post(PATH, json={"message": "hi"}), 404, "CONVERSATION_NOT_FOUND")


def test_bad_requests_are_no_streams(client: httpx.Client, gateway: Gateway) -> None:
    """A stream's request is checked as strictly as any other."""
    assert_problem(client.post(PATH, json={"message": 1}), 400, "INVALID_ARGUMENT")
    assert gateway.query.calls.calls == []


def test_a_caller_who_goes_away_ends_the_call(client: httpx.Client, gateway: Gateway) -> None:
    """The service learns that nobody listens any more."""
    ended = threading.Event()

    def behaviour(request: Any, context: grpc.ServicerContext) -> Iterator[pb.StreamQueryResponse]:
        context.add_callback(ended.set)
        yield pb.StreamQueryResponse(delta=pb.Delta(text="first"))
        assert ended.wait(20)

    gateway.query.calls.on("StreamQuery", behaviour)
    with client.stream("POST", PATH, json={"message": "hi"}) as response:
        next(response.iter_lines())
    assert ended.wait(20)
