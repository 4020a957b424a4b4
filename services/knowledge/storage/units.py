"""Units as they are kept beside their passage: short lists in JSON."""

from collections.abc import Iterable, Sequence
from typing import Any

from services.knowledge.domain.units.unit import Kind, Unit


def units_column(units: Iterable[Unit]) -> list[list[Any]]:
    """Return units as a value of the column."""
    return [[each.start, each.end, each.kind.value, each.block, each.heading, each.place] for each in units]


def units_of(column: Sequence[Sequence[Any]] | None) -> tuple[Unit, ...]:
    """Return the units of a column's value; none for a row of before there were any."""
    return tuple(
        Unit(start, end, Kind(kind), block, heading, place)
        for start, end, kind, block, heading, place in column or ()
    )
