"""How much a knowledge base may hold."""

from datetime import UTC, datetime

import pytest

from services.kernel.errors import ErrorKind
from services.knowledge.domain.errors import QuotaExceeded
from services.knowledge.domain.stock import Allowance, Shelf, Stock

NOW = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
MAY = Allowance(documents=2, bytes=100, period_end=datetime(2026, 12, 1, tzinfo=UTC))


def shelf(documents: int, size: int, allowance: Allowance | None = MAY) -> Shelf:
    """Return a shelf that holds so much."""
    return Shelf(Stock(documents, size, version=7), allowance, NOW)


def test_it_can_be_filled_to_the_limit() -> None:
    """Exactly as many documents and bytes as are allowed."""
    one = shelf(0, 0)
    one.add(40)
    one.add(60)
    assert one.changed
    assert one.changed_stock() == Stock(2, 100, version=8)


@pytest.mark.parametrize(("documents", "size", "quota"), [(2, 0, "documents"), (1, 100, "bytes")])
def test_more_is_refused(documents: int, size: int, quota: str) -> None:
    """By name, with the end of the month; nothing has changed."""
    one = shelf(documents, size)
    with pytest.raises(QuotaExceeded) as refused:
        one.add(1)
    assert (refused.value.kind, refused.value.reason) == (ErrorKind.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
    assert quota in refused.value.detail
    assert refused.value.retry_after == 3600
    assert not one.changed


def test_a_document_may_grow_as_far_as_there_is_room() -> None:
    """What it had is given back first."""
    one = shelf(2, 90)
    one.replace(50, 60)
    with pytest.raises(QuotaExceeded):
        one.replace(60, 61)
    assert one.stock == Stock(2, 100, version=7)


def test_what_makes_it_smaller_works_above_the_limits() -> None:
    """A plan can be changed for a smaller one."""
    one = shelf(5, 500)
    one.replace(100, 100)
    one.replace(100, 99)
    one.remove(99)
    assert one.stock == Stock(4, 400, version=7)
    with pytest.raises(QuotaExceeded):
        one.replace(10, 11)
    with pytest.raises(QuotaExceeded):
        one.add(0)


def test_without_an_allowance_there_is_room() -> None:
    """Nobody is held up because a limit is not known."""
    one = shelf(10**6, 10**12, None)
    one.add(10**9)
    assert one.changed
