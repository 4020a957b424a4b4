"""Usage: read by callers, reported by services."""

import grpc
from supportagent.access.v1 import usage_service_pb2 as pb
from supportagent.access.v1 import usage_service_pb2_grpc as pb_grpc

from gateway.access.api import convert_usage as convert
from gateway.access.domain.usage.reading import UsageReading
from gateway.access.domain.usage.reports import Reports
from services.runtime.interceptors.caller import caller

SERVICE = pb.DESCRIPTOR.services_by_name["UsageService"].full_name


class UsageServicer(pb_grpc.UsageServiceServicer):
    """
    What workspaces have used.

    Reports name the workspaces that they are of: only services can make one, since no route leads here and
    nobody calls without the internal credential.
    """

    def __init__(self, reading: UsageReading, reports: Reports) -> None:
        self._reading = reading
        self._reports = reports

    def GetUsage(self, request: pb.GetUsageRequest, context: grpc.ServicerContext) -> pb.GetUsageResponse:
        """Tell what the caller's workspace has used this month."""
        return convert.get_usage_response(self._reading.read(caller(context).workspace_id))

    def ReportUsage(
        self, request: pb.ReportUsageRequest, context: grpc.ServicerContext
    ) -> pb.ReportUsageResponse:
        """Keep what a service has counted."""
        self._reports.take_over(*convert.report(request))
        return pb.ReportUsageResponse()

    def GetAllowance(
        self, request: pb.GetAllowanceRequest, context: grpc.ServicerContext
    ) -> pb.GetAllowanceResponse:
        """Tell what the caller's workspace may have."""
        return convert.get_allowance_response(*self._reading.allowance(caller(context).workspace_id))
