"""The feed, index and operation services over gRPC."""

import grpc
import pytest
from supportagent.knowledge.v1 import change_feed_service_pb2 as feed
from supportagent.knowledge.v1 import change_feed_service_pb2_grpc as feed_rpc
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
    assert (change.chunks[0].text, len(change.chunks[0].vector)) == ("Text.", 32)

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
