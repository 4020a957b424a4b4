"""gRPC as it is, on a listener of its own: the same check, no JSON."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from supportagent.access.v1 import operator_service_pb2 as operator_pb
from supportagent.access.v1.operator_service_pb2_grpc import OperatorServiceStub
from supportagent.access.v1.usage_service_pb2 import GetUsageRequest, ReportUsageRequest
from supportagent.access.v1.usage_service_pb2_grpc import UsageServiceStub
from supportagent.knowledge.v1 import document_service_pb2 as knowledge_pb
from supportagent.knowledge.v1.document_service_pb2_grpc import DocumentServiceStub
from supportagent.query.v1 import query_service_pb2 as pb
from supportagent.query.v1.kept_answer_service_pb2 import ForgetDocumentsRequest
from supportagent.query.v1.kept_answer_service_pb2_grpc import KeptAnswerServiceStub
from supportagent.query.v1.query_service_pb2_grpc import QueryServiceStub

from services.kernel.errors import DomainError, ErrorKind
from services.runtime.status import from_rpc_error
from tests.fakes.fake_check import (
    CREDENTIAL,
    KEY,
    LIMITED_KEY,
    LIMITS,
    READ_ONLY_KEY,
    CheckAnswer,
    passed,
)
from tests.gateway.conftest import Gateway, StartEnvoy
from tests.gateway.envoy_process import free_addresses
from tests.gateway.test_check import FORGED
from tests.gateway.test_upstream_errors import fail

AUTHORISED = (("authorization", f"Bearer {KEY}"),)
HELLO = pb.QueryRequest(message="hi")
MEBIBYTE = 1024 * 1024


@pytest.fixture
def channel(gateway: Gateway) -> Iterator[grpc.Channel]:
    """A caller that speaks gRPC."""
    with grpc.insecure_channel(gateway.envoy.grpc) as opened:
        yield opened


@pytest.fixture
def query(channel: grpc.Channel) -> QueryServiceStub:
    """The query service as that caller sees it."""
    return QueryServiceStub(channel)


def refusal(call: Callable[[], Any]) -> tuple[grpc.StatusCode, DomainError]:
    """Return the status of a call that has to fail, and what our own clients make of it."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    assert isinstance(raised.value, grpc.Call)
    return raised.value.code(), from_rpc_error(raised.value)


def test_a_call(query: QueryServiceStub, gateway: Gateway) -> None:
    """A call passes the same check and reaches the same service as its route; the limits come with it."""
    answer, call = query.Query.with_call(HELLO, metadata=AUTHORISED, timeout=20)
    assert answer.answer == "You asked: hi"
    initial = dict(call.initial_metadata())
    assert {name: initial.get(name) for name in LIMITS} == LIMITS
    asked = gateway.check.last
    assert asked.rule == ["api_key", "query", "true", "query", "supportagent.query.v1.QueryService/Query"]
    assert (asked.path, asked.headers["x-client-address"]) == ("/", "127.0.0.1")
    metadata = gateway.query.calls.last.metadata
    assert (metadata["x-workspace-id"], metadata["x-key-kind"]) == ("ws_1", "secret")
    assert metadata["x-request-id"] == initial["x-request-id"]
    assert not {"authorization", "x-route-rule", "x-client-address"} & set(metadata)


def test_a_stream(query: QueryServiceStub, gateway: Gateway) -> None:
    """The pieces of a stream arrive one by one."""
    go_on = threading.Event()

    def behaviour(request: Any, context: grpc.ServicerContext) -> Iterator[pb.StreamQueryResponse]:
        yield pb.StreamQueryResponse(delta=pb.Delta(text="first"))
        assert go_on.wait(20)
        yield pb.StreamQueryResponse(delta=pb.Delta(text="last"))

    gateway.query.calls.on("StreamQuery", behaviour)
    stream = query.StreamQuery(pb.StreamQueryRequest(message="hi"), metadata=AUTHORISED, timeout=20)
    assert next(stream).delta.text == "first"
    go_on.set()
    assert [event.delta.text for event in stream] == ["last"]


@pytest.mark.parametrize(
    ("key", "code", "reason", "wait"),
    [
        ("sk_live_wrong", grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", None),
        (READ_ONLY_KEY, grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING", None),
        (LIMITED_KEY, grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", 7.0),
    ],
)
def test_refused_by_access(
    query: QueryServiceStub,
    gateway: Gateway,
    key: str,
    code: grpc.StatusCode,
    reason: str,
    wait: float | None,
) -> None:
    """A refusal is a status like a service's: the right code, the reason, access' text, when to come back."""
    metadata = (("authorization", f"Bearer {key}"),)
    found, error = refusal(lambda: query.Query(HELLO, metadata=metadata, timeout=20))
    assert (found, error.reason, error.detail, error.retry_after) == (code, reason, "Access says no.", wait)
    assert gateway.query.calls.calls == []


def test_a_refusal_has_the_limits(query: QueryServiceStub) -> None:
    """What access says of the limits comes with a refusal too."""
    with pytest.raises(grpc.RpcError) as raised:
        query.Query(HELLO, metadata=(("authorization", f"Bearer {LIMITED_KEY}"),), timeout=20)
    assert isinstance(raised.value, grpc.Call)
    told = dict(raised.value.initial_metadata()) | dict(raised.value.trailing_metadata())
    assert {name: told.get(name) for name in LIMITS} == LIMITS
    assert told["retry-after"] == "7"


def test_a_text_in_any_language(query: QueryServiceStub, gateway: Gateway) -> None:
    """A refusal's text arrives as it was written."""
    body = (
        '{"type":"about:blank","status":403,"code":"SCOPE_MISSING","detail":"Größe %41\\n„ja“","errors":[]}'
    )
    gateway.check.on(lambda request: CheckAnswer(403, {}, body.encode()))
    _, error = refusal(lambda: query.Query(HELLO, metadata=AUTHORISED, timeout=20))
    assert error.detail == "Größe %41\n„ja“"


def test_a_service_says_its_errors_itself(query: QueryServiceStub, gateway: Gateway) -> None:
    """A service's status passes as it is."""
    gateway.query.calls.on("Query", fail("CONVERSATION_NOT_FOUND", ErrorKind.NOT_FOUND, "No such one."))
    code, error = refusal(lambda: query.Query(HELLO, metadata=AUTHORISED, timeout=20))
    assert (code, error.reason) == (grpc.StatusCode.NOT_FOUND, "CONVERSATION_NOT_FOUND")


def test_forged_headers_are_dropped(query: QueryServiceStub, gateway: Gateway) -> None:
    """None of the internal headers gets in from outside."""
    forged = [name for name in FORGED if name != "grpc-timeout"]
    more: list[tuple[str, str | bytes]] = [("x-own-bin", b"1")]
    more += [(name, "1") for name in (*forged, "x-own")]
    query.Query(HELLO, metadata=(*AUTHORISED, *more), timeout=20)
    assert [name for name in forged if gateway.check.last.headers.get(name) == "1"] == []
    metadata = gateway.query.calls.last.metadata
    assert not {"x-own", "x-own-bin", "x-body-keys"} & set(metadata)
    assert [name for name in forged if metadata.get(name) == "1"] == []
    assert metadata["x-internal-credential"] == CREDENTIAL


def test_forged_headers_where_access_says_nothing(query: QueryServiceStub, gateway: Gateway) -> None:
    """Even if access says nothing of the caller, nothing forged is left in its place."""
    gateway.check.on(lambda request: CheckAnswer(200))
    query.Query(HELLO, metadata=(*AUTHORISED, ("x-workspace-id", "ws_2"), ("x-scopes", "all")), timeout=20)
    metadata = gateway.query.calls.last.metadata
    assert not {"x-workspace-id", "x-scopes"} & set(metadata)


@pytest.mark.parametrize(("wanted", "most"), [(10.0, 10.0), (20.0, 20.0), (3_000.0, 30.0), (None, 30.0)])
def test_deadlines(query: QueryServiceStub, gateway: Gateway, wanted: float | None, most: float) -> None:
    """The service has the caller's time, at most the route's."""
    query.Query(HELLO, metadata=AUTHORISED, timeout=wanted)
    left = gateway.query.calls.last.seconds_left
    assert left is not None
    assert most - 5 < left < most + 1


def test_what_services_read_goes_on(channel: grpc.Channel, gateway: Gateway) -> None:
    """An idempotency key and a precondition are metadata; one that can't be read is refused by name."""
    documents = DocumentServiceStub(channel)
    request = knowledge_pb.CreateDocumentRequest(title="a")
    metadata = (*AUTHORISED, ("idempotency-key", "k 1"), ("if-match", '"1"'))
    documents.CreateDocument(request, metadata=metadata, timeout=20)
    got = gateway.knowledge.calls.last.metadata
    assert (got["idempotency-key"], got["if-match"]) == ("k 1", '"1"')
    too_long = (*AUTHORISED, ("idempotency-key", "a" * 256))
    code, error = refusal(lambda: documents.CreateDocument(request, metadata=too_long, timeout=20))
    assert (code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert [violation.pointer for violation in error.violations] == ["/Idempotency-Key"]


def test_sizes(query: QueryServiceStub, channel: grpc.Channel, gateway: Gateway) -> None:
    """A message may be as large as its route's body, and no larger."""
    code, error = refusal(
        lambda: query.Query(pb.QueryRequest(message="a" * MEBIBYTE), metadata=AUTHORISED, timeout=20)
    )
    assert (code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BODY_TOO_LARGE")
    assert gateway.query.calls.calls == []
    request = knowledge_pb.CreateDocumentRequest(title="a", content="a" * 10 * MEBIBYTE)
    DocumentServiceStub(channel).CreateDocument(request, metadata=AUTHORISED, timeout=20)
    assert len(gateway.knowledge.calls.last.request.content) == 10 * MEBIBYTE


def test_compressed_messages(query: QueryServiceStub, gateway: Gateway) -> None:
    """What may be any size once it is read is refused."""
    code, error = refusal(
        lambda: query.Query(
            pb.QueryRequest(message="a" * 5_000),
            metadata=AUTHORISED,
            timeout=20,
            compression=grpc.Compression.Gzip,
        )
    )
    assert (code, error.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNSUPPORTED_MEDIA_TYPE")
    assert gateway.query.calls.calls == []


def test_what_is_no_api(channel: grpc.Channel, gateway: Gateway) -> None:
    """RPCs for the operator, for services and for probes are no routes, with a good key either."""
    for call in (
        lambda: OperatorServiceStub(channel).ListWorkspaces(
            operator_pb.ListWorkspacesRequest(), metadata=AUTHORISED, timeout=20
        ),
        lambda: UsageServiceStub(channel).ReportUsage(ReportUsageRequest(), metadata=AUTHORISED, timeout=20),
        lambda: QueryServiceStub(channel).CheckReadiness(
            pb.CheckReadinessRequest(), metadata=AUTHORISED, timeout=20
        ),
        lambda: KeptAnswerServiceStub(channel).ForgetDocuments(
            ForgetDocumentsRequest(workspace_id="ws_1", document_ids=["doc_1"]),
            metadata=AUTHORISED,
            timeout=20,
        ),
    ):
        code, error = refusal(call)
        assert (code, error.reason) == (grpc.StatusCode.UNIMPLEMENTED, "ROUTE_NOT_FOUND")
    assert gateway.access.calls.calls == []
    assert gateway.check.requests == []
    UsageServiceStub(channel).GetUsage(GetUsageRequest(), metadata=AUTHORISED, timeout=20)
    assert gateway.access.calls.last.metadata["x-workspace-id"] == "ws_1"


def test_the_example_in_the_readme(gateway: Gateway) -> None:
    """The example of protos/README.md asks a question as it stands there."""
    readme = Path("protos/README.md").read_text(encoding="utf-8")
    example = readme.split("```python\n")[1].split("```")[0]
    where = {"SUPPORTAGENT_GRPC": gateway.envoy.grpc, "SUPPORTAGENT_KEY": KEY}
    command = [sys.executable, "-c", example]
    done = subprocess.run(
        command, env=os.environ | where, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("You asked: When does my subscription renew?\n", "")


def test_access_or_the_service_is_down(envoys: StartEnvoy) -> None:
    """Neither is a verdict on the caller: UNAVAILABLE, and when to come back."""
    nowhere = free_addresses(1)[0]
    envoy = envoys(nowhere, dict.fromkeys(("access", "query", "knowledge", "conversations"), nowhere))
    with grpc.insecure_channel(envoy.grpc) as channel:
        code, error = refusal(lambda: QueryServiceStub(channel).Query(HELLO, metadata=AUTHORISED, timeout=20))
    assert (code, error.reason, error.retry_after) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", 1.0)


def test_what_access_may_say(query: QueryServiceStub, gateway: Gateway) -> None:
    """Of what access answers only the caller's headers reach the service."""
    gateway.check.on(lambda request: passed({"x-own": "1", "grpc-timeout": "1n"}))
    query.Query(HELLO, metadata=AUTHORISED, timeout=20)
    assert "x-own" not in gateway.query.calls.last.metadata
