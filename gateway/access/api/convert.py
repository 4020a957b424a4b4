"""Between protobuf messages and the domain."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from supportagent.access.v1 import operator_service_pb2 as pb

from gateway.access.domain.key import Key, KeyWish
from gateway.access.domain.workspace import Workspace
from services.kernel.pages import Page
from services.runtime.timestamps import timestamp


def key_wish(request: pb.CreateKeyRequest) -> KeyWish:
    """Return what the operator asks for."""
    return KeyWish(
        workspace=request.workspace,
        name=request.name,
        scopes=tuple(request.scopes),
        environment=request.environment,
        expires_in_seconds=request.expires_in_seconds,
    )


def create_workspace_response(workspace: Workspace) -> pb.CreateWorkspaceResponse:
    """Return the workspace that was made."""
    return pb.CreateWorkspaceResponse(workspace=_workspace(workspace))


def list_workspaces_response(page: Page[Workspace]) -> pb.ListWorkspacesResponse:
    """Return a page of workspaces."""
    return pb.ListWorkspacesResponse(
        items=[_workspace(each) for each in page.items], next_page_token=page.next_token
    )


def create_key_response(key: Key, whole_key: str) -> pb.CreateKeyResponse:
    """Return the key that was made, whole."""
    message = _key(key)
    message.key = whole_key
    return pb.CreateKeyResponse(key=message)


def list_keys_response(page: Page[Key]) -> pb.ListKeysResponse:
    """Return a page of keys."""
    return pb.ListKeysResponse(items=[_key(each) for each in page.items], next_page_token=page.next_token)


def revoke_key_response(key: Key) -> pb.RevokeKeyResponse:
    """Return the key as it is now."""
    return pb.RevokeKeyResponse(key=_key(key))


def _workspace(workspace: Workspace) -> pb.Workspace:
    return pb.Workspace(
        id=workspace.id,
        name=workspace.name,
        plan=workspace.plan,
        test_workspace_id=workspace.test_id,
        created_at=timestamp(workspace.created_at),
    )


def _key(key: Key) -> pb.Key:
    return pb.Key(
        id=key.id,
        name=key.name,
        workspace_id=key.workspace_id,
        environment=key.environment,
        scopes=key.scopes,
        prefix=key.prefix,
        created_at=timestamp(key.created_at),
        expires_at=_optional(key.expires_at),
        revoked_at=_optional(key.revoked_at),
        last_used_at=_optional(key.last_used_at),
    )


def _optional(instant: datetime | None) -> Timestamp | None:
    return None if instant is None else timestamp(instant)
