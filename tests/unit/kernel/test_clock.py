from datetime import UTC, datetime

import pytest

from services.kernel.clock import parse_instant


@pytest.mark.parametrize("text", ["2026-11-22T07:26:33Z", "2026-11-22t09:26:33.000+02:00"])
def test_an_instant_is_read_in_utc(text: str) -> None:
    """RFC 3339 with any offset, its letters in either case."""
    assert parse_instant(text) == datetime(2026, 11, 22, 7, 26, 33, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2026-11-22", "2026-11-22T07:26:33", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_instant_is_none(text: str) -> None:
    """No date alone, no local time, no day that is not, none outside the calendar."""
    assert parse_instant(text) is None
