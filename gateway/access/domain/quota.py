"""What a workspace has nearly used up of what it may have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.access.domain.keys.known_key import Used
from gateway.access.domain.usage.month import Month
from gateway.access.domain.workspaces.allowance import Allowance

# Callers are warned from four fifths on.
_WARN_NUMERATOR, _WARN_DENOMINATOR = 4, 5


@dataclass(frozen=True)
class NearlyUsed:
    """A quota of which at least 80 % is used; `name` as in `Allowance`."""

    name: str
    used: int
    limit: int
    reset: datetime


def nearly_used(used: Used, queries: int | None, allowance: Allowance, now: datetime) -> Sequence[NearlyUsed]:
    """
    Return the quotas of which at least 80 % is used, none as a rule.

    `queries`: of the month as the limits count them, which is newer than `used`; None where they do not.
    """
    amounts = (
        ("queries", used.queries if queries is None else queries, allowance.queries),
        ("documents", used.documents, allowance.documents),
        ("bytes", used.bytes, allowance.bytes),
        ("action_runs", used.action_runs, allowance.action_runs),
    )
    return tuple(
        [
            NearlyUsed(name, amount, limit, Month.of(now).end)
            for name, amount, limit in amounts
            if amount * _WARN_DENOMINATOR >= limit * _WARN_NUMERATOR
        ]
    )
