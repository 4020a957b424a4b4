"""What callers see while a service is down, hangs or dies."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.fakes.fake_check import CREDENTIAL, KEY, FakeCheck
from tests.gateway.conftest import ROOMS, StartEnvoy
from tests.gateway.envoy_process import free_addresses, start_envoy
from tests.gateway.failing_upstream import FailingUpstream, Failure
from tests.gateway.problem_body import assert_problem

AUTHORISED = {"authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A gateway whose query service hangs, whose knowledge service dies, whose conversations die later."""
    check = FakeCheck()
    check.start()
    hanging, dying = FailingUpstream(Failure.HANG), FailingUpstream(Failure.DIE)
    dying_late = FailingUpstream(Failure.DIE_AFTER_HEADERS)
    services = {
        "access": dying.address,
        "query": hanging.address,
        "knowledge": dying.address,
        "conversations": dying_late.address,
    }
    envoy = start_envoy(check.address, services, tmp_path_factory.mktemp("failing"), CREDENTIAL)
    with httpx.Client(base_url=envoy.public, headers=AUTHORISED, timeout=20) as caller:
        yield caller
    envoy.stop()
    for upstream in (hanging, dying, dying_late):
        upstream.close()
    check.stop()


def test_a_service_that_dies_after_its_headers(failing: httpx.Client) -> None:
    """Between its headers and its answer a service may die as well: nothing has gone out yet."""
    for path in ("/v1/conversations", "/v1/conversations/conv_1"):
        assert_problem(failing.get(path), 503, "UNAVAILABLE")


@pytest.mark.parametrize(
    "call",
    [
        lambda caller: caller.get("/v1/knowledge/documents"),
        lambda caller: caller.get("/v1/knowledge/documents/doc_1"),
        lambda caller: caller.post("/v1/knowledge/documents", json={"title": "a"}),
        lambda caller: caller.put("/v1/knowledge/documents/by-external-id/a", json={"title": "a"}),
    ],
)
def test_a_service_that_dies(failing: httpx.Client, call: Callable[[httpx.Client], httpx.Response]) -> None:
    """A service that is killed with the request in its hands is 503, never an empty answer."""
    for _ in range(3):
        assert_problem(call(failing), 503, "UNAVAILABLE")


def test_a_service_that_is_down(envoys: StartEnvoy, check: FakeCheck) -> None:
    """A connection that is refused is 503, and says when to come back."""
    nowhere = free_addresses(1)[0]
    envoy = envoys(check.address, dict.fromkeys(ROOMS, nowhere))
    with httpx.Client(base_url=envoy.public, headers=AUTHORISED, timeout=20) as caller:
        for _ in range(3):
            assert_problem(caller.get("/v1/conversations"), 503, "UNAVAILABLE")
            problem = assert_problem(caller.post("/v1/query", json={"message": "a"}), 503, "UNAVAILABLE")
            assert problem["detail"] == "A part of the system does not answer. Try again."


def test_a_service_that_hangs(failing: httpx.Client) -> None:
    """At its deadline, and not later, a request is 504."""
    response = failing.get("/readyz")
    assert_problem(response, 504, "DEADLINE_EXCEEDED")
    assert response.elapsed.total_seconds() < 10


@pytest.mark.parametrize("failure", [Failure.DIE, Failure.HANG, None])
def test_without_access_nothing_passes(envoys: StartEnvoy, failure: Failure | None) -> None:
    """While access is down, dies or hangs, routes that ask it are 503; `/healthz` and `/docs` are not."""
    upstream = FailingUpstream(failure) if failure else None
    address = upstream.address if upstream else free_addresses(1)[0]
    envoy = envoys(address, dict.fromkeys(ROOMS, address))
    with httpx.Client(base_url=envoy.public, headers=AUTHORISED, timeout=20) as caller:
        assert_problem(caller.post("/v1/query", json={"message": "a"}), 503, "UNAVAILABLE")
        assert_problem(caller.get("/v1/knowledge/documents"), 503, "UNAVAILABLE")
        assert_problem(caller.get("/readyz"), 503, "UNAVAILABLE")
        assert caller.get("/healthz").status_code == 200
        assert caller.get("/docs").status_code == 200
    if upstream:
        upstream.close()
