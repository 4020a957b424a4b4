"""A row's place in a list that is ordered by age, as page tokens carry it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from services.kernel.errors import InvalidArgument, Violation
from services.kernel.pages import Page, decode_token, encode_token

Item = TypeVar("Item")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Place:
    """When the row was made and, among rows of one instant, its id."""

    created_at: datetime
    id: str


def place_in(token: str, filters: Mapping[str, object]) -> Place | None:
    """
    Return the place that a page token names, None for an empty token.

    Raises:
        InvalidArgument: the token is not one of this list.
    """
    position = decode_token(token, filters)
    match position:
        case None:
            return None
        # Tokens are not signed: what is in one is checked like any input.
        case (int() as microseconds, str() as row_id) if row_id.isprintable():
            try:
                return Place(_EPOCH + microseconds * _MICROSECOND, row_id)
            except OverflowError:
                pass
    raise InvalidArgument.of([Violation("/page_token", "is not a token of this API")])


def page_of(
    found: list[Item], size: int, filters: Mapping[str, object], place: Callable[[Item], Place]
) -> Page[Item]:
    """Return the first `size` of the rows found, and a token where there are more."""
    if len(found) <= size:
        return Page(found)
    last = place(found[size - 1])
    microseconds = (last.created_at - _EPOCH) // _MICROSECOND
    return Page(found[:size], encode_token(filters, (microseconds, last.id)))
