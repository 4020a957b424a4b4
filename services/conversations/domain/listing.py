"""Which conversations a list shows, and which page of it."""

from dataclasses import asdict, dataclass
from datetime import datetime

from services.kernel.clock import parse_instant
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.pages import Place, page_size, place_in


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
    instant = parse_instant(text)
    if instant is None:
        wrong.append(Violation(pointer, "must be an RFC 3339 timestamp such as 2026-11-22T07:26:33Z"))
    return instant
