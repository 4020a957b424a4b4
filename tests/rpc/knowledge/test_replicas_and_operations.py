"""The feed, index and operation services over gRPC."""

import grpc
import pytest
from supportagent.knowledge.v1 import change_feed_service_pb2 as feed
from supportagent.knowledge.v1 import change_feed_service_pb2_grpc as feed_rpc
from supportagent.knowledge.v1 import document_service_pb2 as documents_pb
from supportagent.knowledge.v1 import document_service_pb2_grpc as documents_rpc
from supportagent.knowledge.v1 import index_service_pb2 as index
from supportagent.knowledge.v1 import index_service_pb2_grpc as index_rpc
from supportagent.knowledge.v1 import operation_service_pb2 as operations
from supportagent.knowledge.v1 import operation_service_pb2_grpc as operations_rpc

from tests.contracts.knowledge.workshop import LEASE_SECONDS, WORKSPACE, Workshop, page
from tests.rpc.knowledge.conftest import CREDENTIAL, Client


def test_replica_follows_to_the_end(client: Client, workshop: Workshop) -> None:
    """Sync, fetch, acknowledge: then the operation is done and the index level."""
    operation = workshop.push(page("a", "Text.", tags=("x",)))
    workshop.index()
    stub = feed_rpc.ChangeFeedServiceStub(client.channel)
    # Replicas call in nobody's name.
    anybody = (("x-internal-credential", CREDENTIAL),)
    request = feed.SyncReplicaRequest(replica_id="r", address="h:1", reset=True, wait_ms=2000)
    answer = stub.SyncReplica(request, metadata=anybody)
    assert answer.lease_seconds == LEASE_SECONDS
    (behind,) = answer.behind
    assert (behind.workspace_id, behind.generation, behind.revision) == (WORKSPACE, 1, 1)

    changes = stub.ListChanges(
        feed.ListChangesRequest(workspace_id=WORKSPACE, generation=1), metadata=anybody
    )
    assert (changes.head_revision, changes.restart, changes.dimensions) == (1, False, 8)
    (change,) = changes.changes
    assert (list(change.documents[0].tags), change.documents[0].active) == (["x"], True)
    (chunk,) = change.chunks
    assert (chunk.text, len(chunk.vector), chunk.kind) == ("Text.", 32, "passage")
    assert list(chunk.units) == [feed.Unit(start=0, end=5, kind="sentence")]
    assert len(chunk.unit_vectors) == 8

    acknowledged = [feed.Position(workspace_id=WORKSPACE, generation=1, revision=1)]
    request = feed.SyncReplicaRequest(replica_id="r", address="h:1", acknowledged=acknowledged)
    assert list(stub.SyncReplica(request, metadata=anybody).behind) == []

    shown, _ = client.call(
        operations_rpc.OperationServiceStub(client.channel).GetOperation,
        operations.GetOperationRequest(operation_id=operation.id),
    )
    assert (shown.operation.status, shown.operation.done) == ("succeeded", 1)
    assert shown.operation.HasField("finished_at")
    state, _ = client.call(index_rpc.IndexServiceStub(client.channel).GetIndex, index.GetIndexRequest())
    assert (state.index.revision, state.index.indexed_revision) == (1, 1)
    assert [(each.address, each.revision) for each in state.index.replicas] == [("h:1", 1)]


def test_custom_answers_travel_as_answers(client: Client, workshop: Workshop) -> None:
    """The answer is the text, its question the heading; units count from the answer's beginning."""
    documents = documents_rpc.DocumentServiceStub(client.channel)
    content = '{"question": "Can I leave?", "answer": "- Yes.\\n\\n### How?\\n\\nBy mail."}'
    content_type = "application/vnd.supportagent.qa+json"
    request = documents_pb.CreateDocumentRequest(title="FAQ", content=content, content_type=content_type)
    client.call(documents.CreateDocument, request)
    workshop.index()
    stub = feed_rpc.ChangeFeedServiceStub(client.channel)
    answer, _ = client.call(stub.ListChanges, feed.ListChangesRequest(workspace_id=WORKSPACE, generation=1))
    (chunk,) = answer.changes[0].chunks
    assert (chunk.kind, list(chunk.heading_path)) == ("answer", ["Can I leave?"])
    assert chunk.text == "- Yes.\n\n### How?\n\nBy mail."
    assert list(chunk.units) == [
        feed.Unit(start=2, end=6, kind="item"),
        feed.Unit(start=18, end=26, kind="sentence", block=1, heading="How?"),
    ]
    assert len(chunk.unit_vectors) == 16


def test_deletions_travel_bare(client: Client, workshop: Workshop) -> None:
    """A tombstone is an id and nothing else."""
    document = workshop.indexed()
    workshop.write.delete(WORKSPACE, document.id, "")
    stub = feed_rpc.ChangeFeedServiceStub(client.channel)
    answer, _ = client.call(stub.ListChanges, feed.ListChangesRequest(workspace_id=WORKSPACE, generation=1))
    (change,) = answer.changes
    assert list(change.documents) == [feed.DocumentChange(document_id=document.id, deleted=True)]
    assert list(change.chunks) == []


def test_replica_without_a_name_is_refused(client: Client) -> None:
    """A lease is somebody's."""
    stub = feed_rpc.ChangeFeedServiceStub(client.channel)
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.SyncReplica, feed.SyncReplicaRequest(address="h:1"))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_operations_are_listed_and_cancelled(client: Client, workshop: Workshop) -> None:
    """A cancelled operation says so and can't be cancelled again."""
    stub = operations_rpc.OperationServiceStub(client.channel)
    workshop.push(page("a"))
    listed, _ = client.call(stub.ListOperations, operations.ListOperationsRequest())
    (operation,) = listed.items
    request = operations.CancelOperationRequest(operation_id=operation.id)
    assert client.call(stub.CancelOperation, request)[0].operation.status == "cancelled"
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.CancelOperation, request)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    for unknown in ("op_none", "a\x00"):
        with pytest.raises(grpc.RpcError) as caught:
            client.call(stub.GetOperation, operations.GetOperationRequest(operation_id=unknown))
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_strangers_get_nothing(client: Client) -> None:
    """Without the installation's credential not even the feed answers."""
    stub = feed_rpc.ChangeFeedServiceStub(client.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.ListChanges(feed.ListChangesRequest(workspace_id=WORKSPACE, generation=1))
    assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
