"""What workspaces may have, and what they use: access keeps both."""

from collections.abc import Sequence
from datetime import UTC

import grpc
from supportagent.access.v1 import usage_service_pb2 as pb
from supportagent.access.v1.usage_service_pb2_grpc import UsageServiceStub

from services.kernel.caller import Caller
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.stock import Allowance, WorkspaceStock
from services.runtime.call import acting_as, seconds_left
from services.runtime.channel import call

IDEMPOTENT = tuple(
    f"/supportagent.access.v1.UsageService/{method}" for method in ("GetAllowance", "ReportUsage")
)

_SOURCE = "knowledge"
# A write waits for it.
_ALLOWANCE_TIMEOUT = 0.5
_REPORT_TIMEOUT = 5.0


class UsageLedger:
    """Access, as far as it keeps account."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = UsageServiceStub(channel)

    def allowance(self, workspace_id: WorkspaceId) -> Allowance:
        """
        Return what a workspace may have.

        Raises:
            Unavailable, DeadlineExceeded, RemoteError: access can't say.
        """
        with acting_as(Caller(workspace_id), seconds_left()):
            found = call(self._stub.GetAllowance, pb.GetAllowanceRequest(), timeout=_ALLOWANCE_TIMEOUT)
        return Allowance(found.documents, int(found.bytes), found.period_end.ToDatetime(UTC))

    def report(self, stocks: Sequence[WorkspaceStock]) -> None:
        """Tell what knowledge bases hold; safe to repeat."""
        reported = [
            pb.KnowledgeStock(
                workspace_id=each.workspace_id,
                documents=each.stock.documents,
                bytes=each.stock.bytes,
                version=each.stock.version,
            )
            for each in stocks
        ]
        request = pb.ReportUsageRequest(source=_SOURCE, stocks=reported)
        call(self._stub.ReportUsage, request, timeout=_REPORT_TIMEOUT)
