"""Counts to access, which keeps the ledger of usage."""

from collections import defaultdict
from collections.abc import Sequence

import grpc
from supportagent.access.v1 import usage_service_pb2 as pb
from supportagent.access.v1 import usage_service_pb2_grpc as pb_grpc

from services.runtime.channel import call
from services.runtime.usage import LineTotals

_TIMEOUT = 5.0


class UsageReports:
    """Sends totals; what is raised says that they have to be sent again."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = pb_grpc.UsageServiceStub(channel)

    def __call__(self, totals: Sequence[LineTotals]) -> None:
        """Report totals, those of each source together."""
        by_source = defaultdict[str, list[pb.UsageCount]](list)
        for each in totals:
            by_source[each.line.source].append(_count(each))
        for source, counts in by_source.items():
            request = pb.ReportUsageRequest(source=source, counts=counts)
            call(self._stub.ReportUsage, request, timeout=_TIMEOUT)


def _count(totals: LineTotals) -> pb.UsageCount:
    line = totals.line
    return pb.UsageCount(
        workspace_id=line.workspace_id,
        kind=line.kind,
        channel=line.channel,
        day=line.day.isoformat(),
        counted=totals.counted,
        uncounted=totals.uncounted,
    )
