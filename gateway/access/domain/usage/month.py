"""Months of usage, by UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month; as text `2026-11`."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month of a day, or of an aware instant."""
        if isinstance(day, datetime):
            day = day.astimezone(UTC)
        return cls(day.year, day.month)

    @property
    def start(self) -> datetime:
        """Its first instant."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        next_one = Month(self.year + self.number // 12, self.number % 12 + 1)
        return next_one.start

    def __str__(self) -> str:
        """Return it as `2026-11`."""
        return f"{self.year:04}-{self.number:02}"
