"""Months of usage."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from gateway.access.domain.usage.month import Month


@pytest.mark.parametrize(
    ("month", "end"),
    [
        (Month(2026, 11), datetime(2026, 12, 1, tzinfo=UTC)),
        (Month(2026, 12), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_month_ends_where_the_next_begins(month: Month, end: datetime) -> None:
    """At midnight by UTC, over the end of a year too."""
    assert month.end == end
    assert Month.of(month.end) != month == Month.of(month.end - timedelta(microseconds=1))
    assert Month.of(month.start) == month != Month.of(month.start - timedelta(microseconds=1))


def test_an_instant_belongs_to_the_month_of_utc() -> None:
    """Wherever its clock hangs."""
    there = timezone(timedelta(hours=9))
    assert Month.of(datetime(2026, 12, 1, 8, 59, tzinfo=there)) == Month(2026, 11)
    assert Month.of(date(2026, 12, 1)) == Month(2026, 12)


def test_a_month_as_text() -> None:
    """Sorts like the months."""
    assert str(Month(2026, 3)) == "2026-03"
