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


def test_plan_and_limits_of_a_workspace(access: AccessServer) -> None:
    """A workspace shows what it may have: the plan's limits, or its own, until they are cleared."""
    access.operator.CreateWorkspace(pb.CreateWorkspaceRequest(name="acme"), metadata=METADATA)
    limits = pb.Limits(queries=500, bytes=10**15)
    request = pb.UpdateWorkspaceRequest(workspace="acme", plan="scale", limits=limits)
    changed = access.operator.UpdateWorkspace(request, metadata=METADATA).workspace
    assert (changed.plan, changed.limits.queries, changed.limits.bytes) == ("scale", 500, 10**15)
    assert changed.limits.requests_per_minute == 3000
    request = pb.UpdateWorkspaceRequest(workspace=changed.id, clear=["queries"])
    cleared = access.operator.UpdateWorkspace(request, metadata=METADATA).workspace
    assert (cleared.plan, cleared.limits.queries, cleared.limits.bytes) == ("scale", 100_000, 10**15)
    listed = access.operator.ListWorkspaces(pb.ListWorkspacesRequest(), metadata=METADATA)
    assert list(listed.items) == [cleared]


def test_closing_is_safe_to_repeat(access: AccessServer) -> None:
    """The second answer is the first one, and the workspace is still listed."""
    access.operator.CreateWorkspace(pb.CreateWorkspaceRequest(name="acme"), metadata=METADATA)
    request = pb.DeleteWorkspaceRequest(workspace="acme")
    first = access.operator.DeleteWorkspace(request, metadata=METADATA)
    assert first.workspace.HasField("deleted_at")
    assert access.operator.DeleteWorkspace(request, metadata=METADATA) == first
    listed = access.operator.ListWorkspaces(pb.ListWorkspacesRequest(), metadata=METADATA)
    assert list(listed.items) == [first.workspace]


def test_a_publishable_key_and_its_successor(access: AccessServer) -> None:
    """The successor is given out whole, once, with all that the key has; the key says who took its place."""
    access.operator.CreateWorkspace(pb.CreateWorkspaceRequest(name="acme"), metadata=METADATA)
    origins = ["https://shop.example"]
    old = _create(
        access,
        pb.CreateKeyRequest(
            workspace="acme", name="shop", kind="publishable", origins=origins, requests_per_minute=30
        ),
    )
    assert old.key.startswith("pk_live_")
    request = pb.RotateKeyRequest(key_id=old.id, overlap_seconds=3600)
    new = access.operator.RotateKey(request, metadata=METADATA).key
    assert new.key.startswith(new.prefix)
    assert (new.kind, new.name, list(new.origins)) == ("publishable", "shop", origins)
    assert new.requests_per_minute == 30
    listed = access.operator.ListKeys(pb.ListKeysRequest(workspace="acme"), metadata=METADATA).items
    assert [each.rotated_to for each in listed] == ["", new.id]
    assert listed[1].HasField("expires_at")
    assert not any(each.HasField("key") for each in listed)


def test_the_audit(access: AccessServer) -> None:
    """What was changed is listed, newest first, by workspace and event, in pages."""
    acme = access.operator.CreateWorkspace(
        pb.CreateWorkspaceRequest(name="acme"), metadata=METADATA
    ).workspace
    access.operator.CreateWorkspace(pb.CreateWorkspaceRequest(name="other"), metadata=METADATA)
    key = _create(access, pb.CreateKeyRequest(workspace="acme", scopes=["query"]))
    access.operator.RevokeKey(pb.RevokeKeyRequest(key_id=key.id), metadata=METADATA)
    request = pb.ListAuditEntriesRequest(workspace="acme", page_size=2)
    first = access.operator.ListAuditEntries(request, metadata=METADATA)
    assert [each.event for each in first.items] == ["key.revoked", "key.created"]
    request.page_token = first.next_page_token
    second = access.operator.ListAuditEntries(request, metadata=METADATA)
    created = second.items[0]
    assert (created.event, created.workspace_id, created.actor) == ("workspace.created", acme.id, "operator")
    assert dict(created.details) == {"name": "acme", "plan": "growth"}
    assert (created.count, created.reason, second.next_page_token) == (1, "", "")
    request = pb.ListAuditEntriesRequest(event="key.revoked")
    (revoked,) = access.operator.ListAuditEntries(request, metadata=METADATA).items
    assert (revoked.key_id, revoked.workspace_id) == (key.id, acme.id)


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
        (
            "UpdateWorkspace",
            pb.UpdateWorkspaceRequest(workspace="nobody"),
            grpc.StatusCode.NOT_FOUND,
            "WORKSPACE_NOT_FOUND",
        ),
        (
            "UpdateWorkspace",
            pb.UpdateWorkspaceRequest(workspace="acme", limits=pb.Limits(queries=0)),
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_ARGUMENT",
        ),
        (
            "DeleteWorkspace",
            pb.DeleteWorkspaceRequest(workspace="nobody"),
            grpc.StatusCode.NOT_FOUND,
            "WORKSPACE_NOT_FOUND",
        ),
        ("RevokeKey", pb.RevokeKeyRequest(key_id="key_x"), grpc.StatusCode.NOT_FOUND, "KEY_NOT_FOUND"),
        ("RotateKey", pb.RotateKeyRequest(key_id="key_x"), grpc.StatusCode.NOT_FOUND, "KEY_NOT_FOUND"),
        (
            "ListAuditEntries",
            pb.ListAuditEntriesRequest(event="key.deleted"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_ARGUMENT",
        ),
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
    assert _reason(raised.value) == reason


def test_a_key_is_rotated_once(access: AccessServer) -> None:
    """A key that has a successor has no second one: FAILED_PRECONDITION, KEY_NOT_ROTATABLE."""
    key = access.key("acme")
    request = pb.RotateKeyRequest(key_id=key.id, overlap_seconds=60)
    access.operator.RotateKey(request, metadata=METADATA)
    with pytest.raises(grpc.RpcError) as raised:
        access.operator.RotateKey(request, metadata=METADATA)
    assert raised.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert _reason(raised.value) == "KEY_NOT_ROTATABLE"


def test_strangers_are_refused(access: AccessServer) -> None:
    """Without the internal credential nobody lists anything."""
    with pytest.raises(grpc.RpcError) as raised:
        access.operator.ListWorkspaces(pb.ListWorkspacesRequest())
    assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED


def _create(access: AccessServer, request: pb.CreateKeyRequest) -> pb.Key:
    key: pb.Key = access.operator.CreateKey(request, metadata=METADATA).key
    return key


def _reason(error: grpc.RpcError) -> str:
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)
