"""The document service over gRPC."""

import base64
import hashlib
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from supportagent.knowledge.v1 import document_service_pb2 as pb
from supportagent.knowledge.v1 import document_service_pb2_grpc as rpc

from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop
from tests.rpc.knowledge.conftest import Client


@pytest.fixture
def stub(client: Client) -> rpc.DocumentServiceStub:
    return rpc.DocumentServiceStub(client.channel)


def created(client: Client, stub: rpc.DocumentServiceStub, **fields: Any) -> Any:
    request = pb.CreateDocumentRequest(**{"title": "Renewal", "content": "Text."} | fields)
    return client.call(stub.CreateDocument, request)[0].document


def refusal(error: grpc.RpcError) -> tuple[str, str, list[str]]:
    """The code, the reason, the pointers."""
    status = rpc_status.from_call(error)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        for message in (info, bad):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    return error.code().name, info.reason, [each.field for each in bad.field_violations]


def test_document_comes_back(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """A created document is read back with its content and its ETag."""
    made, headers = client.call(
        stub.CreateDocument,
        pb.CreateDocumentRequest(
            external_id="a/b.md",
            title="Renewal",
            content_base64=base64.b64encode("Ünïcode".encode()).decode(),
            tags=["x"],
            metadata={"k": "v"},
            active=False,
        ),
    )
    assert headers["etag"] == '"1"'
    shown, headers = client.call(stub.GetDocument, pb.GetDocumentRequest(document_id=made.document.id))
    document = shown.document
    assert headers["etag"] == '"1"'
    assert (document.content, document.bytes, document.content_type) == ("Ünïcode", 9, "text/markdown")
    assert (document.external_id, list(document.tags), dict(document.metadata)) == (
        "a/b.md",
        ["x"],
        {"k": "v"},
    )
    assert (document.status, document.active, document.audience) == ("queued", False, "public")
    assert document.queue.position == 1
    assert not document.HasField("error")
    assert not document.HasField("content_base64")
    assert not document.HasField("indexed_at")


def test_all_violations_are_told(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """A bad document is refused with a pointer for each broken rule."""
    with pytest.raises(grpc.RpcError) as caught:
        created(client, stub, title="", url="x", tags=[""])
    assert refusal(caught.value) == (
        "INVALID_ARGUMENT",
        "INVALID_ARGUMENT",
        ["/title", "/url", "/tags/0"],
    )


QA = "application/vnd.supportagent.qa+json"
PAIRS = '[{"question": "Why?",  "alternatives": ["How come?"], "answer": "So."}]'


def test_custom_answers_come_back_as_they_were(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """They are read back to the byte, under their type."""
    document = created(client, stub, content=PAIRS, content_type=QA)
    assert document.content_sha256 == hashlib.sha256(PAIRS.encode()).hexdigest()
    request = pb.GetDocumentRequest(document_id=document.id)
    shown = client.call(stub.GetDocument, request)[0].document
    assert (shown.content, shown.content_type, shown.bytes) == (PAIRS, QA, len(PAIRS))


def test_wrong_pairs_are_refused_on_every_route(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """Each rule that a pair breaks is named at the write, not when it is indexed."""
    wrong = '[{"question": "Why?", "answer": ""}, {"question": 1, "answer": "So."}]'
    pointers = ["/content/0/answer", "/content/1/question"]
    said = pb.DocumentInput(external_id="faq", title="FAQ", content=wrong, content_type=QA)
    document = created(client, stub, content=PAIRS, content_type=QA)
    patch = pb.UpdateDocumentRequest(document_id=document.id, patch=pb.DocumentPatch(content=wrong))
    for method, request in (
        (stub.CreateDocument, pb.CreateDocumentRequest(title="FAQ", content=wrong, content_type=QA)),
        (stub.UpsertDocument, pb.UpsertDocumentRequest(external_id="faq", document=said)),
        (stub.UpdateDocument, patch),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            client.call(method, request)
        assert refusal(caught.value) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", pointers)
    batch = pb.BatchUpsertDocumentsRequest(documents=[said])
    (error,) = client.call(stub.BatchUpsertDocuments, batch)[0].operation.errors
    assert all(pointer in error.detail for pointer in pointers)


def test_batch_tells_the_first_of_very_many_violations(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """An operation keeps what is wrong with a document, within reason."""
    said = pb.DocumentInput(
        external_id="faq", title="FAQ", content="[" + "{}," * 999 + "{}]", content_type=QA
    )
    batch = pb.BatchUpsertDocumentsRequest(documents=[said])
    (error,) = client.call(stub.BatchUpsertDocuments, batch)[0].operation.errors
    assert error.detail.startswith("/content/0/question: is required; /content/0/answer: is required; ")
    assert error.detail.endswith("; and 1950 more")
    assert error.detail.count("; ") == 50


def test_document_of_ten_mebibytes(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """The largest document passes; one byte more is refused by name."""
    document = created(client, stub, content="x" * (10 * 1024 * 1024))
    assert document.bytes == 10 * 1024 * 1024
    with pytest.raises(grpc.RpcError) as caught:
        created(client, stub, content="x" * (10 * 1024 * 1024 + 1))
    assert refusal(caught.value)[2] == ["/content"]


def test_repeated_creation_is_one_document(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """The same `Idempotency-Key` and body give the first answer; another body is refused."""
    request = pb.CreateDocumentRequest(title="A", content="a")
    first, _ = client.call(stub.CreateDocument, request, idempotency_key="k1")
    second, headers = client.call(stub.CreateDocument, request, idempotency_key="k1")
    assert first == second
    assert headers["etag"] == '"1"'
    with pytest.raises(grpc.RpcError) as caught:
        client.call(
            stub.CreateDocument, pb.CreateDocumentRequest(title="B", content="a"), idempotency_key="k1"
        )
    assert refusal(caught.value)[1] == "IDEMPOTENCY_KEY_REUSED"
    other = replace(client, workspace_id=OTHER)
    third, _ = other.call(stub.CreateDocument, request, idempotency_key="k1")
    assert third.document.id != first.document.id


def test_put_by_external_id(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """A PUT creates, then replaces; the path's external id is the one that counts."""
    request = pb.UpsertDocumentRequest(
        external_id="a/b", document=pb.DocumentInput(title="A", content="a", external_id="a/b")
    )
    first, headers = client.call(stub.UpsertDocument, request)
    assert headers["etag"] == '"1"'
    request.document.title = "B"
    second, headers = client.call(stub.UpsertDocument, request, if_match='"1"')
    assert (headers["etag"], second.document.id, second.document.title) == ('"2"', first.document.id, "B")
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.UpsertDocument, request, if_match='"1"')
    assert refusal(caught.value)[:2] == ("FAILED_PRECONDITION", "ETAG_MISMATCH")
    request.document.external_id = "c"
    request.document.title = ""
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.UpsertDocument, request)
    assert refusal(caught.value)[2] == ["/external_id", "/title"]


def test_patch_by_the_keys_of_the_body(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """What the body names is changed, an empty list clears; without a header presence decides."""
    document = created(client, stub, tags=["a"], url="https://x.y", metadata={"k": "v"})
    request = pb.UpdateDocumentRequest(document_id=document.id, patch=pb.DocumentPatch(url=""))
    patched, headers = client.call(stub.UpdateDocument, request, x_body_keys="tags,url")
    assert (list(patched.document.tags), patched.document.url, headers["etag"]) == ([], "", '"2"')
    assert dict(patched.document.metadata) == {"k": "v"}
    assert patched.document.title == "Renewal"
    assert not patched.document.HasField("content")
    request = pb.UpdateDocumentRequest(document_id=document.id, patch=pb.DocumentPatch(active=False))
    assert not client.call(stub.UpdateDocument, request)[0].document.active


def test_empty_patch_is_refused(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """A patch that names nothing is a mistake."""
    document = created(client, stub)
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.UpdateDocument, pb.UpdateDocumentRequest(document_id=document.id))
    assert refusal(caught.value)[:2] == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")


def test_batch_names_its_failures(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """A bad document of a batch is named in the operation with all that is wrong with it."""
    request = pb.BatchUpsertDocumentsRequest(
        documents=[
            pb.DocumentInput(external_id="good", title="A", content="a"),
            pb.DocumentInput(external_id="bad", title="", content="a", url="x"),
        ]
    )
    operation = client.call(stub.BatchUpsertDocuments, request)[0].operation
    assert (operation.kind, operation.status, operation.total, operation.failed) == (
        "document_batch",
        "running",
        2,
        1,
    )
    (error,) = operation.errors
    assert (error.index, error.external_id, error.code) == (1, "bad", "INVALID_ARGUMENT")
    assert "/title" in error.detail
    assert "/url" in error.detail


def test_deletion_by_either_id(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """Both ways give an operation; a second deletion finds nothing."""
    created(client, stub, external_id="a/b")
    request = pb.DeleteDocumentByExternalIdRequest(external_id="a/b")
    assert client.call(stub.DeleteDocumentByExternalId, request)[0].operation.kind == "document_delete"
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.DeleteDocumentByExternalId, request)
    assert refusal(caught.value)[:2] == ("NOT_FOUND", "DOCUMENT_NOT_FOUND")
    document = created(client, stub)
    client.call(stub.DeleteDocument, pb.DeleteDocumentRequest(document_id=document.id))
    with pytest.raises(grpc.RpcError):
        client.call(stub.GetDocument, pb.GetDocumentRequest(document_id=document.id))


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "finished"},
        {"updated_after": "yesterday"},
        {"updated_after": "2026-11-22T07:00:00"},
        {"updated_after": "20261122T070000Z"},
        {"updated_after": "2026-02-30T07:00:00Z"},
        {"updated_after": "0001-01-01T00:00:00+14:00"},
        {"page_size": 201},
        {"page_size": -1},
        {"page_token": "x"},
        {"tag": "a\x00"},
        {"external_id": "a\x00"},
    ],
)
def test_bad_list_requests(client: Client, stub: rpc.DocumentServiceStub, fields: dict[str, Any]) -> None:
    """Each wrong parameter is named."""
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.ListDocuments, pb.ListDocumentsRequest(**fields))
    assert refusal(caught.value) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", [f"/{next(iter(fields))}"])


def test_list_leaves_content_out(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """A list shows documents without content, and where they wait."""
    for n in range(3):
        created(client, stub, title=f"T{n}")
    request = pb.ListDocumentsRequest(page_size=2, active=True, updated_after="2026-11-22T06:59:59.5Z")
    first, _ = client.call(stub.ListDocuments, request)
    request.page_token = first.next_page_token
    second, _ = client.call(stub.ListDocuments, request)
    items = [*first.items, *second.items]
    assert len(items) == 3
    assert not any(each.HasField("content") for each in items)
    assert sorted(each.queue.position for each in items) == [1, 2, 3]


def test_ids_that_can_not_be_are_not_found(client: Client, stub: rpc.DocumentServiceStub) -> None:
    """A NUL in an id is no id, whatever the database thinks of it."""
    for method, request in (
        (stub.GetDocument, pb.GetDocumentRequest(document_id="a\x00")),
        (stub.DeleteDocumentByExternalId, pb.DeleteDocumentByExternalIdRequest(external_id="a\x00")),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            client.call(method, request)
        assert refusal(caught.value)[1] == "DOCUMENT_NOT_FOUND"


def test_indexed_document_as_callers_see_it(
    client: Client, stub: rpc.DocumentServiceStub, workshop: Workshop
) -> None:
    """Once indexed it has a revision, passages and an instant, and no queue."""
    document = created(client, stub)
    workshop.index()
    workshop.settle(WORKSPACE)
    shown = client.call(stub.GetDocument, pb.GetDocumentRequest(document_id=document.id))[0].document
    assert (shown.status, shown.chunks, shown.revision) == ("indexed", 1, 1)
    assert shown.HasField("indexed_at")
    assert not shown.HasField("queue")
