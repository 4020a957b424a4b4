"""Instants: the present one as a port, so that rules about time can be tested, and given ones as text."""

import re
from datetime import UTC, datetime
from typing import Protocol

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present instant in UTC, with its time zone."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC, with its time zone."""
        return datetime.now(UTC)


def parse_instant(text: str) -> datetime | None:
    """Return the instant of an RFC 3339 timestamp, in UTC; None where the text is none."""
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
