"""Versions, earlier states, receipts and retries over gRPC."""

import base64

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from supportagent.knowledge.v1 import change_feed_service_pb2 as feed_pb
from supportagent.knowledge.v1 import change_feed_service_pb2_grpc as feed_rpc
from supportagent.knowledge.v1 import document_service_pb2 as pb
from supportagent.knowledge.v1 import document_service_pb2_grpc as rpc
from supportagent.knowledge.v1 import operation_service_pb2 as operation_pb
from supportagent.knowledge.v1 import operation_service_pb2_grpc as operation_rpc

from services.knowledge.domain.document import Document, Patch
from services.knowledge.domain.draft import Said
from tests.contracts.knowledge.workshop import WORKSPACE, Workshop, page
from tests.rpc.knowledge.conftest import Client


def edited(workshop: Workshop) -> Document:
    """A document that was indexed, edited and indexed again."""
    document = workshop.indexed(page(content="One."))
    workshop.clock.advance(60)
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Two.", tags=("new",)), "")
    workshop.index()
    workshop.settle()
    return document


def reason(error: grpc.RpcError) -> tuple[str, str]:
    info = error_details_pb2.ErrorInfo()
    rpc_status.from_call(error).details[0].Unpack(info)
    return error.code().name, info.reason


def test_versions_come_back(client: Client, workshop: Workshop) -> None:
    """A list has no contents, one version has; the present one is `current` and was not replaced."""
    document = edited(workshop)
    stub = rpc.DocumentServiceStub(client.channel)
    listed, _ = client.call(
        stub.ListDocumentVersions, pb.ListDocumentVersionsRequest(document_id=document.id)
    )
    assert [(each.version, each.current, list(each.tags)) for each in listed.items] == [
        (2, True, ["new"]),
        (1, False, []),
    ]
    assert [each.revision for each in listed.items] == [3, 1]
    assert [each.HasField("replaced_at") for each in listed.items] == [False, True]
    assert not any(each.HasField("content") for each in listed.items)
    request = pb.GetDocumentVersionRequest(document_id=document.id, version=1)
    version = client.call(stub.GetDocumentVersion, request)[0].version
    assert (version.content, version.bytes, version.replaced_at.seconds - version.created_at.seconds) == (
        "One.",
        4,
        60,
    )
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.GetDocumentVersion, pb.GetDocumentVersionRequest(document_id=document.id, version=3))
    assert reason(caught.value) == ("NOT_FOUND", "VERSION_NOT_FOUND")


def test_contents_that_are_no_text_come_in_base64(client: Client, workshop: Workshop) -> None:
    """What JSON's strings can't carry comes as it was sent."""
    content = base64.b64encode(b"%PDF-1.7 \xff").decode()
    document = workshop.create(Said(title="PDF", content_base64=content, content_type="application/pdf"))
    stub = rpc.DocumentServiceStub(client.channel)
    shown = client.call(stub.GetDocument, pb.GetDocumentRequest(document_id=document.id))[0].document
    request = pb.GetDocumentVersionRequest(document_id=document.id, version=1)
    version = client.call(stub.GetDocumentVersion, request)[0].version
    for message in (shown, version):
        assert (message.HasField("content"), message.content_base64) == (False, content)


def test_earlier_states_come_in_pages(client: Client, workshop: Workshop) -> None:
    """Documents come first, then passages; each page says of which generation and model they are."""
    document = edited(workshop)
    stub = feed_rpc.ChangeFeedServiceStub(client.channel)
    documents, chunks, token = [], [], ""
    while True:
        request = feed_pb.ListPastRequest(workspace_id=WORKSPACE, revision=1, page_token=token)
        answer, _ = client.call(stub.ListPast, request)
        assert (answer.generation, answer.embedding_model, answer.dimensions) == (1, "fake-bag-of-words", 8)
        documents += list(answer.documents)
        chunks += list(answer.chunks)
        token = answer.next_page_token
        if not token:
            break
    assert [(each.document_id, list(each.tags)) for each in documents] == [(document.id, [])]
    assert [(each.text, len(each.vector)) for each in chunks] == [("One.", 32)]


@pytest.mark.parametrize("revision", [-1, 9])
def test_a_revision_that_never_was_is_an_invalid_argument(
    client: Client, workshop: Workshop, revision: int
) -> None:
    """The pointer names what the public request calls it."""
    workshop.indexed()
    stub = feed_rpc.ChangeFeedServiceStub(client.channel)
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.ListPast, feed_pb.ListPastRequest(workspace_id=WORKSPACE, revision=revision))
    bad = error_details_pb2.BadRequest()
    assert reason(caught.value) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")
    assert rpc_status.from_call(caught.value).details[1].Unpack(bad)
    assert [each.field for each in bad.field_violations] == ["/knowledge_revision"]


def test_receipt_of_a_deletion(client: Client, workshop: Workshop) -> None:
    """What was removed is there at once; who confirmed it, and that nothing is left, at the end."""
    document = edited(workshop)
    workshop.answers.cited[document.id] = 3
    documents = rpc.DocumentServiceStub(client.channel)
    accepted = client.call(documents.DeleteDocument, pb.DeleteDocumentRequest(document_id=document.id))[0]
    receipt = accepted.operation.receipt
    assert (receipt.chunks, receipt.versions, receipt.bytes) == (1, 1, 8)
    assert not receipt.HasField("erased_at")
    assert accepted.operation.status == "running"
    workshop.settle()
    workshop.erasing.run()
    stub = operation_rpc.OperationServiceStub(client.channel)
    request = operation_pb.GetOperationRequest(operation_id=accepted.operation.id)
    ended = client.call(stub.GetOperation, request)[0].operation
    assert (ended.status, ended.receipt.answers) == ("succeeded", 3)
    assert ended.receipt.erased_at == ended.finished_at
    (replica,) = ended.receipt.replicas
    assert (replica.address, replica.HasField("unfindable_at"), replica.HasField("erased_at")) == (
        "replica-1:1",
        True,
        True,
    )
    assert len(ended.receipt.kept) == 3


def test_retries_of_what_can_not_be_retried(client: Client, workshop: Workshop) -> None:
    """One that runs, and one of which nothing failed, have reasons of their own."""
    stub = operation_rpc.OperationServiceStub(client.channel)
    request = operation_pb.RetryOperationRequest(operation_id=workshop.push(page("a")).id)
    for expected in ("OPERATION_RUNNING", "NOTHING_TO_RETRY"):
        with pytest.raises(grpc.RpcError) as caught:
            client.call(stub.RetryOperation, request)
        assert reason(caught.value) == ("FAILED_PRECONDITION", expected)
        workshop.index()
        workshop.settle()
