"""Between messages about usage and the domain."""

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum

from supportagent.access.v1 import usage_service_pb2 as pb

from gateway.access.domain.usage.ledger import Channel, Kind, KnowledgeStock, UsageCount
from gateway.access.domain.usage.month import Month
from gateway.access.domain.usage.reading import Reading
from gateway.access.domain.workspaces.allowance import Allowance
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId
from services.runtime.timestamps import timestamp

# Bytes travel as a double, which is exact so far.
_MOST = 2**53
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def report(request: pb.ReportUsageRequest) -> tuple[str, list[UsageCount], list[KnowledgeStock]]:
    """
    Return who reports, the counts and the stocks.

    Raises:
        InvalidArgument: with everything that is wrong.
    """
    violations = list(_violations(request))
    if violations:
        raise InvalidArgument.of(violations)
    counts = [
        UsageCount(
            workspace_id=WorkspaceId(each.workspace_id),
            kind=Kind(each.kind),
            channel=Channel(each.channel),
            day=date.fromisoformat(each.day),
            counted=each.counted,
            uncounted=each.uncounted,
        )
        for each in request.counts
    ]
    stocks = [
        KnowledgeStock(WorkspaceId(each.workspace_id), each.documents, int(each.bytes), each.version)
        for each in request.stocks
    ]
    return request.source, counts, stocks


def get_usage_response(reading: Reading) -> pb.GetUsageResponse:
    """Return a workspace's month."""
    allowance, usage, used = reading.allowance, reading.usage, reading.usage.used
    return pb.GetUsageResponse(
        usage=pb.Usage(
            plan=allowance.plan,
            period=pb.Period(start=timestamp(reading.month.start), end=timestamp(reading.month.end)),
            queries=pb.Queries(
                used=used.queries,
                limit=allowance.queries,
                by_channel=pb.QueriesByChannel(
                    api=usage.queries.get(Channel.API, 0),
                    widget=usage.queries.get(Channel.WIDGET, 0),
                    batch=usage.queries.get(Channel.BATCH, 0),
                ),
            ),
            knowledge=pb.Knowledge(
                documents=pb.Amount(used=used.documents, limit=allowance.documents),
                bytes=pb.Amount(used=used.bytes, limit=allowance.bytes),
            ),
            actions=pb.Amount(used=used.action_runs, limit=allowance.action_runs),
            rate_limits=pb.RateLimits(requests_per_minute=reading.requests_per_minute),
        )
    )


def get_allowance_response(allowance: Allowance, month: Month) -> pb.GetAllowanceResponse:
    """Return what a workspace may have."""
    return pb.GetAllowanceResponse(
        plan=allowance.plan,
        documents=allowance.documents,
        bytes=allowance.bytes,
        period_end=timestamp(month.end),
    )


def _violations(request: pb.ReportUsageRequest) -> Iterator[Violation]:
    if not request.source and request.counts:
        yield Violation("/source", "must say who counted")
    for place, count in enumerate(request.counts):
        here = f"/counts/{place}"
        if not count.workspace_id:
            yield Violation(f"{here}/workspace_id", "must not be empty")
        for name, words in (("kind", Kind), ("channel", Channel)):
            yield from _unknown(f"{here}/{name}", getattr(count, name), words)
        if not _is_day(count.day):
            yield Violation(f"{here}/day", "must be a day such as 2026-11-22")
        for name in ("counted", "uncounted"):
            yield from _no_amount(f"{here}/{name}", getattr(count, name))
    for place, stock in enumerate(request.stocks):
        here = f"/stocks/{place}"
        if not stock.workspace_id:
            yield Violation(f"{here}/workspace_id", "must not be empty")
        for name in ("documents", "bytes", "version"):
            yield from _no_amount(f"{here}/{name}", getattr(stock, name))


def _unknown(pointer: str, word: str, words: type[StrEnum]) -> Iterator[Violation]:
    if word not in list(words):
        yield Violation(pointer, f"must be one of {', '.join(words)}")


def _no_amount(pointer: str, number: float) -> Iterator[Violation]:
    if not 0 <= number <= _MOST:
        yield Violation(pointer, f"must be from 0 to {_MOST}")


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
