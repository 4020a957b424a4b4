"""Between protobuf messages and the domain."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from supportagent.access.v1 import operator_service_pb2 as pb

from gateway.access.domain.audit import AuditEntry
from gateway.access.domain.keys.key import Key
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.workspaces.allowance import LIMITS
from gateway.access.domain.workspaces.plans import Plans
from gateway.access.domain.workspaces.workspace import Workspace
from gateway.access.domain.workspaces.workspace_patch import WorkspacePatch
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
        kind=request.kind,
        origins=tuple(request.origins),
        requests_per_minute=request.requests_per_minute,
    )


def workspace_patch(request: pb.UpdateWorkspaceRequest) -> WorkspacePatch:
    """Return what the operator changes."""
    limits = {field.name: value for field, value in request.limits.ListFields()}
    return WorkspacePatch(request.plan, limits, tuple(request.clear))


def create_workspace_response(workspace: Workspace, plans: Plans) -> pb.CreateWorkspaceResponse:
    """Return the workspace that was made."""
    return pb.CreateWorkspaceResponse(workspace=_workspace(workspace, plans))


def list_workspaces_response(page: Page[Workspace], plans: Plans) -> pb.ListWorkspacesResponse:
    """Return a page of workspaces."""
    return pb.ListWorkspacesResponse(
        items=[_workspace(each, plans) for each in page.items], next_page_token=page.next_token
    )


def update_workspace_response(workspace: Workspace, plans: Plans) -> pb.UpdateWorkspaceResponse:
    """Return the workspace as it is now."""
    return pb.UpdateWorkspaceResponse(workspace=_workspace(workspace, plans))


def delete_workspace_response(workspace: Workspace, plans: Plans) -> pb.DeleteWorkspaceResponse:
    """Return the workspace as it is now."""
    return pb.DeleteWorkspaceResponse(workspace=_workspace(workspace, plans))


def create_key_response(key: Key, whole_key: str) -> pb.CreateKeyResponse:
    """Return the key that was made, whole."""
    return pb.CreateKeyResponse(key=_key(key, whole_key))


def list_keys_response(page: Page[Key]) -> pb.ListKeysResponse:
    """Return a page of keys."""
    return pb.ListKeysResponse(items=[_key(each) for each in page.items], next_page_token=page.next_token)


def revoke_key_response(key: Key) -> pb.RevokeKeyResponse:
    """Return the key as it is now."""
    return pb.RevokeKeyResponse(key=_key(key))


def rotate_key_response(key: Key, whole_key: str) -> pb.RotateKeyResponse:
    """Return the successor, whole."""
    return pb.RotateKeyResponse(key=_key(key, whole_key))


def list_audit_entries_response(page: Page[AuditEntry]) -> pb.ListAuditEntriesResponse:
    """Return a page of the audit."""
    return pb.ListAuditEntriesResponse(
        items=[_audit_entry(each) for each in page.items], next_page_token=page.next_token
    )


def _workspace(workspace: Workspace, plans: Plans) -> pb.Workspace:
    allowance = workspace.allowance(plans)
    return pb.Workspace(
        id=workspace.id,
        name=workspace.name,
        plan=workspace.plan,
        test_workspace_id=workspace.test_id,
        created_at=timestamp(workspace.created_at),
        limits=pb.Limits(**{name: getattr(allowance, name) for name in LIMITS}),
        deleted_at=_optional(workspace.deleted_at),
    )


def _audit_entry(entry: AuditEntry) -> pb.AuditEntry:
    return pb.AuditEntry(
        id=entry.id,
        at=timestamp(entry.at),
        event=entry.event,
        workspace_id=entry.workspace_id,
        key_id=entry.key_id,
        actor=entry.actor,
        reason=entry.reason,
        count=entry.count,
        details=entry.details,
    )


def _key(key: Key, whole_key: str | None = None) -> pb.Key:
    return pb.Key(
        id=key.id,
        name=key.name,
        workspace_id=key.workspace_id,
        environment=key.environment,
        scopes=key.scopes,
        prefix=key.prefix,
        key=whole_key,
        created_at=timestamp(key.created_at),
        expires_at=_optional(key.expires_at),
        revoked_at=_optional(key.revoked_at),
        last_used_at=_optional(key.last_used_at),
        kind=key.kind,
        origins=key.origins,
        requests_per_minute=key.requests_per_minute,
        rotated_to=key.rotated_to,
    )


def _optional(instant: datetime | None) -> Timestamp | None:
    return None if instant is None else timestamp(instant)
