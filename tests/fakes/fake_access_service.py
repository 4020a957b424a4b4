"""The operator's routes and the usage of access, for a gateway under test; its check is `fake_check`."""

from typing import Any

import grpc
from supportagent.access.v1 import operator_service_pb2 as pb
from supportagent.access.v1 import operator_service_pb2_grpc as pb_grpc
from supportagent.access.v1 import usage_service_pb2 as usage_pb
from supportagent.access.v1 import usage_service_pb2_grpc as usage_grpc

from services.runtime.server import Service
from tests.fakes.recorded_calls import RecordedCalls


class FakeAccessService(pb_grpc.OperatorServiceServicer, usage_grpc.UsageServiceServicer):
    """Implements the real protos; `calls` is for the tests."""

    def __init__(self) -> None:
        self.calls = RecordedCalls()

    def services(self) -> list[Service]:
        """Return how it joins a server."""
        return [
            Service(
                "supportagent.access.v1.OperatorService", pb_grpc.add_OperatorServiceServicer_to_server, self
            ),
            Service(
                "supportagent.access.v1.UsageService", usage_grpc.add_UsageServiceServicer_to_server, self
            ),
        ]

    def CreateWorkspace(self, request: pb.CreateWorkspaceRequest, context: grpc.ServicerContext) -> Any:
        """Make one."""
        return self.calls.serve(
            "CreateWorkspace",
            request,
            context,
            lambda r, c: pb.CreateWorkspaceResponse(workspace=pb.Workspace(id="ws_1", name=r.name)),
        )

    def ListWorkspaces(self, request: pb.ListWorkspacesRequest, context: grpc.ServicerContext) -> Any:
        """List none."""
        return self.calls.serve("ListWorkspaces", request, context, lambda r, c: pb.ListWorkspacesResponse())

    def UpdateWorkspace(self, request: pb.UpdateWorkspaceRequest, context: grpc.ServicerContext) -> Any:
        """Change nothing."""
        return self.calls.serve(
            "UpdateWorkspace",
            request,
            context,
            lambda r, c: pb.UpdateWorkspaceResponse(workspace=pb.Workspace(name=r.workspace)),
        )

    def DeleteWorkspace(self, request: pb.DeleteWorkspaceRequest, context: grpc.ServicerContext) -> Any:
        """Close it."""
        return self.calls.serve(
            "DeleteWorkspace",
            request,
            context,
            lambda r, c: pb.DeleteWorkspaceResponse(workspace=pb.Workspace(name=r.workspace)),
        )

    def CreateKey(self, request: pb.CreateKeyRequest, context: grpc.ServicerContext) -> Any:
        """Make one."""
        return self.calls.serve(
            "CreateKey",
            request,
            context,
            lambda r, c: pb.CreateKeyResponse(key=pb.Key(id="key_1", name=r.name)),
        )

    def ListKeys(self, request: pb.ListKeysRequest, context: grpc.ServicerContext) -> Any:
        """List none."""
        return self.calls.serve("ListKeys", request, context, lambda r, c: pb.ListKeysResponse())

    def RevokeKey(self, request: pb.RevokeKeyRequest, context: grpc.ServicerContext) -> Any:
        """Revoke it."""
        return self.calls.serve(
            "RevokeKey", request, context, lambda r, c: pb.RevokeKeyResponse(key=pb.Key(id=r.key_id))
        )

    def RotateKey(self, request: pb.RotateKeyRequest, context: grpc.ServicerContext) -> Any:
        """Make another one."""
        return self.calls.serve(
            "RotateKey", request, context, lambda r, c: pb.RotateKeyResponse(key=pb.Key(id="key_2"))
        )

    def ListAuditEntries(self, request: pb.ListAuditEntriesRequest, context: grpc.ServicerContext) -> Any:
        """List none."""
        return self.calls.serve(
            "ListAuditEntries", request, context, lambda r, c: pb.ListAuditEntriesResponse()
        )

    def GetUsage(self, request: usage_pb.GetUsageRequest, context: grpc.ServicerContext) -> Any:
        """Have used nothing."""
        return self.calls.serve(
            "GetUsage",
            request,
            context,
            lambda r, c: usage_pb.GetUsageResponse(usage=usage_pb.Usage(plan="growth")),
        )

    def ReportUsage(self, request: usage_pb.ReportUsageRequest, context: grpc.ServicerContext) -> Any:
        """Take it over."""
        return self.calls.serve("ReportUsage", request, context, lambda r, c: usage_pb.ReportUsageResponse())

    def GetAllowance(self, request: usage_pb.GetAllowanceRequest, context: grpc.ServicerContext) -> Any:
        """Allow a lot."""
        return self.calls.serve(
            "GetAllowance",
            request,
            context,
            lambda r, c: usage_pb.GetAllowanceResponse(plan="growth", documents=5_000, bytes=5e8),
        )
