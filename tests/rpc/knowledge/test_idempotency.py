"""`Idempotency-Key` on writes: the first answer again, byte for byte, with its headers."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from supportagent.knowledge.v1 import document_service_pb2 as pb
from supportagent.knowledge.v1 import document_service_pb2_grpc as rpc

from tests.contracts.knowledge.test_quota import MONTH_END, allow
from tests.contracts.knowledge.workshop import OTHER, Workshop
from tests.rpc.knowledge.conftest import Client

METADATA = {f"key-{n}": str(n) for n in range(16)}


def method(client: Client, name: str, request: Any) -> Any:
    """Return an RPC whose answers are their bytes."""
    return client.channel.unary_unary(
        f"/supportagent.knowledge.v1.DocumentService/{name}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=None,
    )


@pytest.mark.parametrize(
    ("name", "request_", "response"),
    [
        (
            "CreateDocument",
            pb.CreateDocumentRequest(external_id="a", title="A", content="Text.", metadata=METADATA),
            pb.CreateDocumentResponse,
        ),
        (
            "BatchUpsertDocuments",
            pb.BatchUpsertDocumentsRequest(
                documents=[pb.DocumentInput(external_id="a", title="A", content="Text.")]
            ),
            pb.BatchUpsertDocumentsResponse,
        ),
    ],
)
def test_the_first_answer_is_given_again(
    client: Client, workshop: Workshop, name: str, request_: Any, response: Any
) -> None:
    """Whatever has happened since; maps are written in the order of their keys, by every process."""
    call = method(client, name, request_)
    first, headers = client.call(call, request_, idempotency_key="abc")
    workshop.index()
    workshop.settle()
    again, headers_again = client.call(call, request_, idempotency_key="abc")
    assert again == first
    assert headers_again.get("etag") == headers.get("etag")
    assert response.FromString(first).SerializeToString(deterministic=True) == first
    client.workspace_id = OTHER
    other, _ = client.call(call, request_, idempotency_key="abc")
    assert other != first


def test_the_answer_to_a_creation_tells_its_place(client: Client) -> None:
    """The first one and the same to who repeats it, though the document is further by then."""
    stub = rpc.DocumentServiceStub(client.channel)
    for name in ("a", "b"):
        request = pb.CreateDocumentRequest(external_id=name, title="A", content="Text.")
        made, headers = client.call(stub.CreateDocument, request, idempotency_key=name)
    assert (made.document.status, made.document.queue.position) == ("queued", 2)
    assert made.document.queue.estimated_ready_at.ToSeconds() > made.document.created_at.ToSeconds()
    assert headers["etag"] == '"1"'
    assert client.call(stub.CreateDocument, request, idempotency_key="b")[0] == made


def test_a_full_knowledge_base_says_so(client: Client, workshop: Workshop) -> None:
    """RESOURCE_EXHAUSTED with what is full and when there may be more; nothing is kept for the key."""
    allow(workshop, documents=0)
    stub = rpc.DocumentServiceStub(client.channel)
    request = pb.CreateDocumentRequest(title="A", content="Text.")
    with pytest.raises(grpc.RpcError) as refused:
        client.call(stub.CreateDocument, request, idempotency_key="abc")
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in rpc_status.from_call(refused.value).details:
        for message in (info, retry):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    assert (refused.value.code(), info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
    assert info.metadata["quota"] == "documents"
    assert retry.retry_delay.ToSeconds() == (MONTH_END - workshop.clock.now()).total_seconds()
    allow(workshop, documents=1)
    assert client.call(stub.CreateDocument, request, idempotency_key="abc")[0].document.id
