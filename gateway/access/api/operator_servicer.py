"""The operator's RPCs. That it is the operator who calls is the check's doing: the routes demand it."""

import grpc
from supportagent.access.v1 import operator_service_pb2 as pb
from supportagent.access.v1 import operator_service_pb2_grpc as pb_grpc

from gateway.access.api import convert
from gateway.access.domain.operator import Operator
from gateway.access.domain.workspaces.plans import Plans

SERVICE = pb.DESCRIPTOR.services_by_name["OperatorService"].full_name


class OperatorServicer(pb_grpc.OperatorServiceServicer):
    """Workspaces, their keys, the audit."""

    def __init__(self, operator: Operator, plans: Plans) -> None:
        self._operator = operator
        self._plans = plans

    def CreateWorkspace(
        self, request: pb.CreateWorkspaceRequest, context: grpc.ServicerContext
    ) -> pb.CreateWorkspaceResponse:
        """Make a workspace together with its test twin."""
        workspace = self._operator.create_workspace(request.name, request.plan)
        return convert.create_workspace_response(workspace, self._plans)

    def ListWorkspaces(
        self, request: pb.ListWorkspacesRequest, context: grpc.ServicerContext
    ) -> pb.ListWorkspacesResponse:
        """List the workspaces, oldest first."""
        page = self._operator.list_workspaces(request.page_size, request.page_token)
        return convert.list_workspaces_response(page, self._plans)

    def UpdateWorkspace(
        self, request: pb.UpdateWorkspaceRequest, context: grpc.ServicerContext
    ) -> pb.UpdateWorkspaceResponse:
        """Change a workspace's plan and limits."""
        workspace = self._operator.update_workspace(request.workspace, convert.workspace_patch(request))
        return convert.update_workspace_response(workspace, self._plans)

    def DeleteWorkspace(
        self, request: pb.DeleteWorkspaceRequest, context: grpc.ServicerContext
    ) -> pb.DeleteWorkspaceResponse:
        """Close a workspace and its twin for good."""
        workspace = self._operator.delete_workspace(request.workspace)
        return convert.delete_workspace_response(workspace, self._plans)

    def CreateKey(self, request: pb.CreateKeyRequest, context: grpc.ServicerContext) -> pb.CreateKeyResponse:
        """Make a key and return it whole, once."""
        key, whole_key = self._operator.create_key(convert.key_wish(request))
        return convert.create_key_response(key, whole_key)

    def ListKeys(self, request: pb.ListKeysRequest, context: grpc.ServicerContext) -> pb.ListKeysResponse:
        """List a workspace's and its twin's keys, newest first."""
        page = self._operator.list_keys(request.workspace, request.page_size, request.page_token)
        return convert.list_keys_response(page)

    def RevokeKey(self, request: pb.RevokeKeyRequest, context: grpc.ServicerContext) -> pb.RevokeKeyResponse:
        """Revoke a key for good."""
        key = self._operator.revoke_key(request.key_id)
        return convert.revoke_key_response(key)

    def RotateKey(self, request: pb.RotateKeyRequest, context: grpc.ServicerContext) -> pb.RotateKeyResponse:
        """Make a key's successor and return it whole, once."""
        key, whole_key = self._operator.rotate_key(request.key_id, request.overlap_seconds)
        return convert.rotate_key_response(key, whole_key)

    def ListAuditEntries(
        self, request: pb.ListAuditEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListAuditEntriesResponse:
        """List what was changed and refused, newest first."""
        page = self._operator.list_audit(
            request.workspace, request.event, request.page_size, request.page_token
        )
        return convert.list_audit_entries_response(page)
