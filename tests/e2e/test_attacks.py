"""What strangers try at the gateway, with the real check behind it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator

import grpc
import httpx
import pytest
from supportagent.query.v1.query_service_pb2 import QueryRequest
from supportagent.query.v1.query_service_pb2_grpc import QueryServiceStub

from gateway.access.domain.keys.key_format import Environment, mint
from services.runtime.status import from_rpc_error
from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, Workspace, assert_problem, client

DOCUMENTS = "/v1/knowledge/documents"
WRONG_KEYS = 1_000


@pytest.fixture(scope="module")
def mine(system: System) -> Workspace:
    """A workspace with a document."""
    return _workspace(system, "attacks-mine")


@pytest.fixture(scope="module")
def theirs(system: System) -> Workspace:
    """Another one."""
    return _workspace(system, "attacks-theirs")


@pytest.fixture
def stranger(system: System) -> Iterator[httpx.Client]:
    """A caller without a key."""
    with client(system.url) as caller:
        yield caller


def bearer(key: str) -> tuple[str, str]:
    """Return the header that carries a key."""
    return ("authorization", f"Bearer {key}")


@pytest.mark.parametrize(
    "forged",
    [
        {"x-workspace-id": "{theirs}"},
        {
            "x-workspace-id": "{theirs}",
            "x-scopes": "query knowledge:read",
            "x-internal-credential": "guessed",
        },
        {"x-route-rule": "anyone||true|request|supportagent.knowledge.v1.DocumentService/ListDocuments"},
        {"x-key-kind": "secret", "x-key-id": "operator", "x-environment": "live"},
        {"x-client-address": "203.0.113.7", "x-forwarded-for": "203.0.113.7"},
    ],
    ids=["workspace", "credential", "rule", "kind", "address"],
)
def test_forged_headers_open_nothing(
    system: System, stranger: httpx.Client, mine: Workspace, theirs: Workspace, forged: dict[str, str]
) -> None:
    """Headers by which the parts of the installation speak say nothing from outside."""
    document = theirs.http.get(DOCUMENTS).json()["items"][0]["id"]
    workspaces = json.loads(system.cli("workspaces", "list", "--json").stdout)["items"]
    other = next(each["id"] for each in workspaces if each["name"] == theirs.name)
    headers = {name: value.replace("{theirs}", other) for name, value in forged.items()}
    assert_problem(stranger.get(DOCUMENTS, headers=headers), 401, "UNAUTHENTICATED")
    answer = mine.http.get(f"{DOCUMENTS}/{document}", headers=headers)
    assert_problem(answer, 404, "DOCUMENT_NOT_FOUND")
    listed = mine.http.get(DOCUMENTS, headers=headers).json()["items"]
    assert listed
    assert document not in [each["id"] for each in listed]


def test_two_authorization_headers(stranger: httpx.Client, mine: Workspace, theirs: Workspace) -> None:
    """Several credentials are none, whichever comes first, even the same one twice."""
    for keys in ((mine.key, theirs.key), (theirs.key, mine.key), (mine.key, mine.key), (mine.key, "x")):
        answer = stranger.get(DOCUMENTS, headers=[bearer(key) for key in keys])
        assert_problem(answer, 401, "UNAUTHENTICATED")
    answer = stranger.get(DOCUMENTS, headers={"authorization": f"Bearer {mine.key}, Bearer {mine.key}"})
    assert_problem(answer, 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
def test_the_scheme_in_any_case(stranger: httpx.Client, mine: Workspace, scheme: str) -> None:
    """The scheme's case says nothing (RFC 9110)."""
    answer = stranger.get(DOCUMENTS, headers={"authorization": f"{scheme} {mine.key}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("value", ["{key}", "Basic {key}", "Bearer", "Token {key}", "Bearer {key}x"])
def test_what_is_no_bearer_token(stranger: httpx.Client, mine: Workspace, value: str) -> None:
    """A key in another form than it is due is no key."""
    headers = {"authorization": value.replace("{key}", mine.key)}
    assert_problem(stranger.get(DOCUMENTS, headers=headers), 401, "UNAUTHENTICATED")


def test_a_key_in_the_wrong_place(system: System, stranger: httpx.Client, mine: Workspace) -> None:
    """A key in the query string or the path opens nothing and is written down nowhere."""
    for name in ("key", "api_key", "access_token", "authorization"):
        answer = stranger.get(DOCUMENTS, params={name: mine.key})
        assert_problem(answer, 401, "UNAUTHENTICATED")
    assert_problem(stranger.get(f"{DOCUMENTS}/{mine.key}"), 401, "UNAUTHENTICATED")
    assert_problem(mine.http.get(f"{DOCUMENTS}/{mine.key}"), 404, "DOCUMENT_NOT_FOUND")
    wanted = assert_problem(mine.http.get(DOCUMENTS, params={"key": mine.key}), 400, "INVALID_ARGUMENT")
    # Envoy writes its log some moments after the answer.
    _until_logged(system, wanted["request_id"])
    secret = mine.key[len("sk_live_") + 8 :]
    for log in (system.data / "logs").iterdir():
        assert secret not in log.read_text(errors="replace"), log.name


def test_large_headers(stranger: httpx.Client, mine: Workspace) -> None:
    """64 KiB of headers are refused whole; what fits and is no key is no key."""
    answer = stranger.get(DOCUMENTS, headers=[bearer(mine.key), ("x-large", "a" * 64 * 1024)])
    assert_problem(answer, 431, "HEADERS_TOO_LARGE")
    answer = stranger.get(DOCUMENTS, headers=[bearer("a" * 55 * 1024)])
    assert_problem(answer, 401, "UNAUTHENTICATED")
    answer = stranger.get(DOCUMENTS, headers=[bearer(mine.key), ("origin", "a" * 55 * 1024)])
    assert answer.status_code == 200


def test_a_thousand_wrong_keys(system: System, stranger: httpx.Client, mine: Workspace) -> None:
    """Made-up keys are refused by their checksum: the database is not asked once, and good keys go on."""
    mine.http.get(DOCUMENTS)
    before = _metric(system, 'access_check_seconds_count{waited_for="store"}')
    refused = _metric(system, 'access_checks_total{outcome="key_malformed"}')
    for number in range(WRONG_KEYS):
        key = f"{mine.key[:-6]}{number:06}"
        answer = stranger.get(DOCUMENTS, headers=[bearer(key)])
        assert answer.status_code == 401
    assert _metric(system, 'access_checks_total{outcome="key_malformed"}') == refused + WRONG_KEYS
    assert _metric(system, 'access_check_seconds_count{waited_for="store"}') - before <= 1
    assert mine.http.get(DOCUMENTS).status_code == 200


def test_made_up_keys_with_a_checksum(stranger: httpx.Client) -> None:
    """Whoever knows the form can make keys that are looked up, and that open nothing all the same."""
    made_up = mint(Environment.LIVE).reveal()
    assert_problem(stranger.get(DOCUMENTS, headers=[bearer(made_up)]), 401, "UNAUTHENTICATED")


def test_native_calls_meet_the_same_check(system: System, mine: Workspace, theirs: Workspace) -> None:
    """Over gRPC a key opens its workspace, and what is refused over HTTP is refused."""
    reader = system.key_for(mine.name, "knowledge:read")
    with grpc.insecure_channel(system.grpc_target) as channel:
        query = QueryServiceStub(channel)

        def ask(*headers: tuple[str, str]) -> str:
            return str(query.Query(QueryRequest(message=QUESTION), metadata=headers, timeout=30).reason)

        assert ask(bearer(mine.key)) == "NO_RELEVANT_SOURCE"
        forged = ("x-workspace-id", "ws_other"), ("x-scopes", "query"), ("x-internal-credential", "guessed")
        assert _refused(lambda: ask(*forged)) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        several = bearer(mine.key), bearer(theirs.key)
        assert _refused(lambda: ask(*several)) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        refused = _refused(lambda: ask(bearer(reader.key), *forged))
        assert refused == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")


def _workspace(system: System, name: str) -> Workspace:
    made = system.workspace(name)
    assert made.http.post(DOCUMENTS, json={"title": name, "content": "A page."}).status_code == 202
    return made


def _refused(call: Callable[[], str]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as raised:
        call()
    assert isinstance(raised.value, grpc.Call)
    return raised.value.code(), from_rpc_error(raised.value).reason


def _metric(system: System, name: str) -> float:
    port = system.processes()["access"]["metrics_port"]
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _until_logged(system: System, request_id: str) -> None:
    log = system.data / "logs" / "envoy.log"
    deadline = time.monotonic() + 30
    while request_id not in log.read_text(errors="replace"):
        assert time.monotonic() < deadline, "Envoy has not logged the request"
        time.sleep(0.1)
