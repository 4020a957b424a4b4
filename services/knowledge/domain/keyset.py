"""Where a page of a list begins: after an instant and an id, newest first."""

from collections.abc import Mapping
from datetime import datetime

from services.kernel.errors import InvalidArgument, Violation
from services.kernel.pages import decode_token, encode_token

Keyset = tuple[datetime, str]


def after(token: str, filters: Mapping[str, object]) -> Keyset | None:
    """Return the place that a page token names, None for the first page; raise InvalidArgument."""
    position = decode_token(token, filters)
    if position is None:
        return None
    try:
        created_at, last = position
        instant = datetime.fromisoformat(str(created_at))
        if instant.tzinfo is None or "\x00" in str(last):
            raise ValueError
    except ValueError:
        raise InvalidArgument.of([Violation("/page_token", "is not a token of this API")]) from None
    return instant, str(last)


def token_after(created_at: datetime, last: str, filters: Mapping[str, object]) -> str:
    """Return the token of the page after an item."""
    return encode_token(filters, [created_at.isoformat(), last])
