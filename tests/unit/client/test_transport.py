from __future__ import annotations

import httpx
import pytest

from gateway.client.errors import ApiError, ClientError, NotConfigured, Unreachable
from gateway.client.transport import Transport
from tests.fakes.client_api import FakeApi, problem


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def transport(api: FakeApi, time: FakeTime, patience: float = 10.0) -> Transport:
    return Transport(
        "http://gateway",
        "sk_live_x",
        patience=patience,
        wire=httpx.MockTransport(api),
        sleep=time.sleep,
        now=time.now,
    )


def busy(seconds: int) -> tuple[int, dict[str, object], dict[str, str]]:
    status, body, headers = problem(503, "UNAVAILABLE", "Come back.")
    return status, body, {**headers, "retry-after": str(seconds)}


def test_503_is_repeated_after_retry_after() -> None:
    """A request that was refused unworked is sent again, not sooner than Retry-After says."""
    api, time = FakeApi(), FakeTime()
    api.troubles = [busy(3)]
    assert transport(api, time).call("POST", "/v1/query/stream", body={}) is None
    assert time.slept == [3.0]


def test_refused_connections_are_repeated_with_growing_delays() -> None:
    """A refused connection is tried again, each time after a longer wait."""
    api, time = FakeApi(), FakeTime()
    api.troubles = [httpx.ConnectError("refused")] * 4
    transport(api, time).call("GET", "/v1/knowledge/index")
    assert len(time.slept) == 4
    assert 0.1 <= time.slept[0] <= 0.2
    assert 0.8 <= time.slept[3] <= 1.6


def test_patience_ends() -> None:
    """When the system stays away the last problem is told."""
    api, time = FakeApi(), FakeTime()
    api.troubles = [busy(4)] * 9
    with pytest.raises(ApiError) as caught:
        transport(api, time).call("GET", "/v1/knowledge/index")
    assert caught.value.code == "UNAVAILABLE"
    assert time.slept == [4.0, 4.0]


def test_broken_connection_is_not_repeated_for_a_post_that_may_have_worked() -> None:
    """A POST whose connection broke is not sent twice."""
    api, time = FakeApi(), FakeTime()
    api.troubles = [httpx.ReadError("reset")]
    with pytest.raises(Unreachable, match="does not answer"):
        transport(api, time).call("POST", "/operator/v1/workspaces", body={"name": "a"})
    assert len(api.requests) == 1


def test_broken_connection_is_repeated_for_what_is_idempotent() -> None:
    """A GET whose connection broke is sent again."""
    api, time = FakeApi(), FakeTime()
    api.troubles = [httpx.ReadError("reset"), problem(504, "DEADLINE_EXCEEDED", "Late.")]
    assert transport(api, time).call("GET", "/v1/knowledge/index")["documents"] == 1


def test_problem_body_becomes_an_error() -> None:
    """A refusal carries code, detail, request id and violations."""
    api = FakeApi()
    violations = [{"pointer": "/message", "detail": "is empty"}]
    api.troubles = [problem(400, "INVALID_ARGUMENT", "Bad request.", errors=violations)]
    with pytest.raises(ApiError) as caught:
        transport(api, FakeTime()).call("POST", "/v1/query", body={"message": ""})
    error = caught.value
    assert (error.status, error.code, error.request_id) == (400, "INVALID_ARGUMENT", "req-1")
    assert error.violations == [("/message", "is empty")]


def test_answer_that_is_no_problem_body_is_still_an_error() -> None:
    """An error page of something in between does not break the client."""
    api = FakeApi()
    api.troubles = [(500, "<html>", {"x-request-id": "req-9"})]
    with pytest.raises(ApiError, match="HTTP status 500") as caught:
        transport(api, FakeTime()).call("GET", "/v1/knowledge/index")
    assert caught.value.request_id == "req-9"


@pytest.mark.parametrize("address", ["foo", "ftp://a", "http://", "http://[::1", "http://a:b", ""])
def test_an_address_that_is_none(address: str) -> None:
    """A wrong address is told at once, not after all the patience."""
    with pytest.raises(NotConfigured, match="is no address"):
        Transport(address, "sk_live_x")


@pytest.mark.parametrize("token", ["k\u00e9y", "a\nb", "a\udcff"])
def test_a_token_that_no_header_can_carry(token: str) -> None:
    """A key with odd characters is told without showing it."""
    with pytest.raises(NotConfigured, match=r"^The key holds characters that no key has\.$"):
        Transport("http://gateway", token)


def test_text_that_json_can_not_carry() -> None:
    """A question that the terminal gave in another encoding is an error to read, nothing is sent."""
    api = FakeApi()
    with pytest.raises(ClientError, match="not UTF-8"):
        transport(api, FakeTime()).call("POST", "/v1/query", body={"message": "caf\udce9"})
    assert api.requests == []
