"""The operator's RPCs."""

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from supportagent.access.v1 import operator_service_pb2 as pb

from tests.rpc.access.access_server import METADATA, AccessServer, access

__all__ = ["access"]


def test_a_workspace_and_its_keys(access: AccessServer) -> None:
    """What is made is listed; the whole key is in the first answer only."""
    acme = access.operator.CreateWorkspace(
        pb.CreateWorkspaceRequest(name="acme", plan="scale"), metadata=METADATA
    ).workspace
    listed = access.operator.ListWorkspaces(pb.ListWorkspacesRequest(), metadata=METADATA)
    assert list(listed.items) == [acme]
    live = _create(access, pb.CreateKeyRequest(workspace="acme", name="ci", scopes=["query"]))
    test = _create(
        access,
        pb.CreateKeyRequest(workspace=acme.id, scopes=["query"], environment="test", expires_in_seconds=60),
    )
    assert (live.workspace_id, live.environment) == (acme.id, "live")
    assert (test.workspace_id, test.environment) == (acme.test_workspace_id, "test")
    assert live.key.startswith(live.prefix)
    assert not live.HasField("expires_at")
    assert test.expires_at.seconds - test.created_at.seconds == 60

    keys = access.operator.ListKeys(pb.ListKeysRequest(workspace="acme"), metadata=METADATA).items
    live.ClearField("key")
    test.ClearField("key")
    assert list(keys) == [test, live]


def test_revoking_is_safe_to_repeat(access: AccessServer) -> None:
    """The second answer is the first one."""
    access.operator.CreateWorkspace(pb.CreateWorkspaceRequest(name="acme"), metadata=METADATA)
    key = _create(access, pb.CreateKeyRequest(workspace="acme", scopes=["query"]))
    request = pb.RevokeKeyRequest(key_id=key.id)
    first = access.operator.RevokeKey(request, metadata=METADATA)
    assert first.key.HasField("revoked_at")
    assert access.operator.RevokeKey(request, metadata=METADATA) == first


@pytest.mark.parametrize(
    ("method", "request_", "code", "reason"),
    [
        (
            "CreateWorkspace",
            pb.CreateWorkspaceRequest(name="acme"),
            grpc.StatusCode.ALREADY_EXISTS,
            "WORKSPACE_NAME_TAKEN",
        ),
        (
            "CreateWorkspace",
            pb.CreateWorkspaceRequest(name="A", plan="gold"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_ARGUMENT",
        ),
        (
            "CreateKey",
            pb.CreateKeyRequest(workspace="nobody", scopes=["query"]),
            grpc.StatusCode.NOT_FOUND,
            "WORKSPACE_NOT_FOUND",
        ),
        (
            "ListKeys",
            pb.ListKeysRequest(workspace="nobody"),
            grpc.StatusCode.NOT_FOUND,
            "WORKSPACE_NOT_FOUND",
        ),
        ("RevokeKey", pb.RevokeKeyRequest(key_id="key_x"), grpc.StatusCode.NOT_FOUND, "KEY_NOT_FOUND"),
    ],
)
def test_errors(
    access: AccessServer, method: str, request_: Message, code: grpc.StatusCode, reason: str
) -> None:
    """Each refusal has its code and reason."""
    access.operator.CreateWorkspace(pb.CreateWorkspaceRequest(name="acme"), metadata=METADATA)
    with pytest.raises(grpc.RpcError) as raised:
        getattr(access.operator, method)(request_, metadata=METADATA)
    assert raised.value.code() == code
    status = rpc_status.from_call(raised.value)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.reason == reason


def test_strangers_are_refused(access: AccessServer) -> None:
    """Without the internal credential nobody lists anything."""
    with pytest.raises(grpc.RpcError) as raised:
        access.operator.ListWorkspaces(pb.ListWorkspacesRequest())
    assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED


def _create(access: AccessServer, request: pb.CreateKeyRequest) -> pb.Key:
    key: pb.Key = access.operator.CreateKey(request, metadata=METADATA).key
    return key
