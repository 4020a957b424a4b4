"""Access' usage service, as far as other services ask it."""

from datetime import UTC, datetime

import grpc
from supportagent.access.v1 import usage_service_pb2 as pb
from supportagent.access.v1 import usage_service_pb2_grpc as pb_grpc

from gateway.access.api import convert_usage as convert
from services.kernel.errors import Unavailable
from services.runtime.interceptors.caller import caller
from services.runtime.server import Service
from services.runtime.timestamps import timestamp
from tests.fakes.usage_ledger import FakeLedger

PERIOD_END = datetime(2026, 12, 1, tzinfo=UTC)


class FakeUsageService(pb_grpc.UsageServiceServicer):
    """
    Remembers reports and keeps a ledger; `documents` by workspace, 5 where a test said nothing.

    `failing` with a report: it is away, having `kept` the report or not.
    """

    def __init__(self) -> None:
        self.documents: dict[str, int] = {}
        self.reports: list[pb.ReportUsageRequest] = []
        self.ledger = FakeLedger()
        self.failing, self.kept = False, False

    def GetUsage(self, request: pb.GetUsageRequest, context: grpc.ServicerContext) -> pb.GetUsageResponse:
        """Tell nothing: services don't ask."""
        return pb.GetUsageResponse()

    def GetAllowance(
        self, request: pb.GetAllowanceRequest, context: grpc.ServicerContext
    ) -> pb.GetAllowanceResponse:
        """Tell what the caller's workspace may have."""
        return pb.GetAllowanceResponse(
            plan="scale",
            documents=self.documents.get(caller(context).workspace_id, 5),
            bytes=5e9,
            period_end=timestamp(PERIOD_END),
        )

    def ReportUsage(
        self, request: pb.ReportUsageRequest, context: grpc.ServicerContext
    ) -> pb.ReportUsageResponse:
        """Remember a report."""
        self.reports.append(request)
        if not self.failing or self.kept:
            self.ledger.take_over(*convert.report(request))
        if self.failing:
            raise Unavailable("away")
        return pb.ReportUsageResponse()

    def service(self) -> Service:
        """Return what a server serves."""
        name = pb.DESCRIPTOR.services_by_name["UsageService"].full_name
        return Service(name, pb_grpc.add_UsageServiceServicer_to_server, self)
