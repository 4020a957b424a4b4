"""Which conversations a list shows, and which page of it."""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from services.kernel.errors import InvalidArgument, Violation
from services.kernel.pages import Place, page_size, place_in

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Filters:
    """Conversations that fit all of these; None does not filter. Both instants are themselves left out."""

    channel: str | None = None
    answered: bool | None = None
    user_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True)
class Listing:
    """A page of a list: which conversations, how many, after which place."""

    filters: Filters
    size: int
    after: Place | None = None

    @classmethod
    def parse(
        cls,
        *,
        size: int = 0,
        token: str = "",
        channel: str = "",
        answered: bool | None = None,
        user_id: str = "",
        created_after: str = "",
        created_before: str = "",
    ) -> "Listing":
        """
        Return the page that a request asks for; empty texts do not filter.

        Raises:
            InvalidArgument: with each of these that holds: an instant is no RFC 3339 timestamp, the size is
                not between 1 and 200 (0 stands for 50), the token is not of this list.
        """
        wrong: list[Violation] = []
        filters = Filters(
            channel or None,
            answered,
            user_id or None,
            _instant("/created_after", created_after, wrong),
            _instant("/created_before", created_before, wrong),
        )
        after = None
        try:
            size = page_size(size)
        except InvalidArgument as error:
            wrong += error.violations
        try:
            after = place_in(token, bound_to(filters))
        except InvalidArgument as error:
            wrong += error.violations
        if wrong:
            raise InvalidArgument.of(wrong)
        return cls(filters, size, after)


def bound_to(filters: Filters) -> dict[str, object]:
    """Return what page tokens of a list with these filters are bound to."""
    return {"list": "conversations", **asdict(filters)}


def _instant(pointer: str, text: str, wrong: list[Violation]) -> datetime | None:
    """Return the instant in UTC, None for an empty text; note what is none."""
    if not text:
        return None
    if _RFC_3339.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    wrong.append(Violation(pointer, "must be an RFC 3339 timestamp such as 2026-11-22T07:26:33Z"))
    return None
