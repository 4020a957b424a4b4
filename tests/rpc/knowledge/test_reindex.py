"""The re-index service over gRPC."""

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from supportagent.knowledge.v1 import change_feed_service_pb2 as feed
from supportagent.knowledge.v1 import change_feed_service_pb2_grpc as feed_rpc
from supportagent.knowledge.v1 import index_service_pb2 as index
from supportagent.knowledge.v1 import index_service_pb2_grpc as index_rpc
from supportagent.knowledge.v1 import reindex_service_pb2 as pb
from supportagent.knowledge.v1 import reindex_service_pb2_grpc as rpc

from tests.contracts.knowledge.fleet import SWITCH_SECONDS, Fleet
from tests.contracts.knowledge.workshop import WORKSPACE, Workshop
from tests.rpc.knowledge.conftest import Client


def reason(error: grpc.RpcError) -> str:
    """Return the reason of a refusal."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return str(info.reason)


def test_reindex_and_rollback(client: Client, workshop: Workshop) -> None:
    """Both are operations that name their generation; the index says which ones there are."""
    fleet = Fleet(workshop)
    workshop.create()
    fleet.settle()
    stub, state = rpc.ReindexServiceStub(client.channel), index_rpc.IndexServiceStub(client.channel)
    started, _ = client.call(stub.Reindex, pb.ReindexRequest())
    operation = started.operation
    assert (operation.kind, operation.status, operation.generation, operation.total) == (
        "reindex",
        "running",
        2,
        1,
    )
    shown = client.call(state.GetIndex, index.GetIndexRequest())[0].index
    assert (shown.generation, shown.next_generation, shown.HasField("previous_generation")) == (1, 2, False)
    fleet.finish()
    shown = client.call(state.GetIndex, index.GetIndexRequest())[0].index
    assert (shown.generation, shown.HasField("next_generation"), shown.previous_generation) == (2, False, 1)
    back, _ = client.call(stub.RollBackReindex, pb.RollBackReindexRequest())
    assert (back.operation.kind, back.operation.generation) == ("reindex_rollback", 1)


def test_switch_is_told_in_seconds(client: Client, workshop: Workshop) -> None:
    """A replica is told which generations are being made, and how long from now the switch is."""
    fleet = Fleet(workshop)
    workshop.create()
    fleet.settle()
    workshop.reindex()
    fleet.set_switch()
    workshop.clock.advance(1.5)
    stub = feed_rpc.ChangeFeedServiceStub(client.channel)
    request = feed.SyncReplicaRequest(replica_id="replica-9", address="h:9")
    answer, _ = client.call(stub.SyncReplica, request)
    (switch,) = answer.switches
    assert (switch.workspace_id, switch.generation, switch.after_seconds) == (
        WORKSPACE,
        2,
        SWITCH_SECONDS - 1.5,
    )
    (following,) = answer.next
    assert (following.workspace_id, following.generation, following.next) == (WORKSPACE, 2, True)
    assert [(each.generation, each.next) for each in answer.behind] == [(1, False), (2, True)]


def test_first_answer_is_given_again(client: Client, workshop: Workshop) -> None:
    """A repeated request begins nothing, and another body under its key is refused."""
    document = workshop.indexed()
    stub = rpc.ReindexServiceStub(client.channel)
    first, _ = client.call(stub.Reindex, pb.ReindexRequest(), idempotency_key="a")
    again, _ = client.call(stub.Reindex, pb.ReindexRequest(), idempotency_key="a")
    assert first == again
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.Reindex, pb.ReindexRequest(document_ids=[document.id]), idempotency_key="a")
    assert reason(caught.value) == "IDEMPOTENCY_KEY_REUSED"


def test_refusals(client: Client, workshop: Workshop) -> None:
    """Each says why."""
    stub = rpc.ReindexServiceStub(client.channel)
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.RollBackReindex, pb.RollBackReindexRequest())
    assert (caught.value.code(), reason(caught.value)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "NO_PREVIOUS_GENERATION",
    )
    for unknown in ("doc_none", "a\x00", ""):
        with pytest.raises(grpc.RpcError) as caught:
            client.call(stub.Reindex, pb.ReindexRequest(document_ids=[unknown]))
        assert (caught.value.code(), reason(caught.value)) == (
            grpc.StatusCode.NOT_FOUND,
            "DOCUMENT_NOT_FOUND",
        )
    client.call(stub.Reindex, pb.ReindexRequest())
    with pytest.raises(grpc.RpcError) as caught:
        client.call(stub.Reindex, pb.ReindexRequest())
    assert reason(caught.value) == "REINDEX_RUNNING"
