"""Pages of lists: keyset cursors as opaque tokens that are bound to their filters (AIP-158)."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from services.kernel.errors import InvalidArgument, Violation

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Item = TypeVar("Item")
Position = tuple[str | int, ...]


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Items in order, and the token of the page after them, empty on the last."""

    items: list[Item]
    next_token: str = ""


@dataclass(frozen=True)
class Place:
    """A row's place in a list by age: when it was made and, among rows of one instant, its id."""

    created_at: datetime
    id: str


def page_size(requested: int) -> int:
    """Return the size to use: 50 for 0; raise InvalidArgument outside 1 to 200."""
    if requested == 0:
        return DEFAULT_PAGE_SIZE
    if not 1 <= requested <= MAX_PAGE_SIZE:
        raise InvalidArgument.of([Violation("/page_size", f"must be between 1 and {MAX_PAGE_SIZE}")])
    return requested


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
    raise _refused("is not a token of this API")


def page_of(
    found: list[Item], size: int, filters: Mapping[str, object], place: Callable[[Item], Place]
) -> Page[Item]:
    """Return the first `size` of the rows found, and a token where there are more."""
    if len(found) <= size:
        return Page(found)
    last = place(found[size - 1])
    microseconds = (last.created_at - _EPOCH) // _MICROSECOND
    return Page(found[:size], encode_token(filters, (microseconds, last.id)))


def encode_token(filters: Mapping[str, object], position: Sequence[str | int]) -> str:
    """Return the token that goes on after `position` in the list that `filters` select."""
    body = json.dumps([_fingerprint(filters), *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def decode_token(token: str, filters: Mapping[str, object]) -> Position | None:
    """
    Return the position in a token, None for an empty one.

    Raises:
        InvalidArgument: it is garbage, or was given out for other filters.
    """
    if not token:
        return None
    try:
        decoded = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
        fingerprint, *position = decoded
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise _refused("is not a token of this API") from None
    if not position or not all(type(part) in (str, int) for part in position):
        raise _refused("is not a token of this API")
    if fingerprint != _fingerprint(filters):
        raise _refused("was given out for other filters")
    return tuple(position)


def _fingerprint(filters: Mapping[str, object]) -> str:
    canonical = json.dumps(filters, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _refused(detail: str) -> InvalidArgument:
    return InvalidArgument.of([Violation("/page_token", detail)])
