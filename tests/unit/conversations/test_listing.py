"""Which page of which conversations."""

from datetime import UTC, datetime

import pytest

from services.conversations.domain.listing import Filters, Listing
from services.kernel.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-22T07:26:33Z", datetime(2026, 11, 22, 7, 26, 33, tzinfo=UTC)),
        ("2026-11-22t07:26:33.5z", datetime(2026, 11, 22, 7, 26, 33, 500000, tzinfo=UTC)),
        ("2026-11-22T07:26:33.123456789+01:30", datetime(2026, 11, 22, 5, 56, 33, 123456, tzinfo=UTC)),
    ],
)
def test_timestamps_are_rfc_3339(text: str, instant: datetime) -> None:
    """Instants are read in any zone and kept in UTC."""
    listing = Listing.parse(created_after=text, created_before=text)
    assert listing.filters == Filters(created_after=instant, created_before=instant)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-11-22",
        "2026-11-22T07:26:33",
        "2026-11-22 07:26:33Z",
        "2026-11-22T07:26:33 01:00",
        "2026-13-22T07:26:33Z",
        "2026-11-22T24:01:00Z",
        "0001-01-01T00:00:00+23:59",
        "1763796393",
        "2026-11-22T07:26:33Z\0",
        "\N{ARABIC-INDIC DIGIT TWO}026-11-22T07:26:33Z",
    ],
)
def test_other_timestamps_are_violations(text: str) -> None:
    """What is no RFC 3339 timestamp is told with its place."""
    assert _pointers(created_after=text) == ["/created_after"]
    assert _pointers(created_before=text) == ["/created_before"]


def test_all_violations_are_told_at_once() -> None:
    """Each thing that is wrong is listed."""
    assert _pointers(size=201, token="x", created_after="x", created_before="x") == [
        "/created_after",
        "/created_before",
        "/page_size",
        "/page_token",
    ]


def test_empty_texts_do_not_filter() -> None:
    """A request that says nothing asks for the first 50 of all; `answered: false` is not nothing."""
    assert Listing.parse() == Listing(Filters(), 50, None)
    assert Listing.parse(answered=False).filters == Filters(answered=False)


def _pointers(**request: str | int) -> list[str]:
    with pytest.raises(InvalidArgument) as raised:
        Listing.parse(**request)  # type: ignore[arg-type]
    return [violation.pointer for violation in raised.value.violations]
