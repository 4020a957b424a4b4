"""A table of HTML: rows and columns, with cells that span several of them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

_PARTS = frozenset({"thead", "tbody", "tfoot"})
_CELLS = frozenset({"td", "th"})
# What has more columns than anybody reads is no table, and a span beyond them is a bomb.
_MOST_COLUMNS = 100


@dataclass(frozen=True)
class Table:
    """A table that holds data: its captions and its rows of cells, as they stand in the source."""

    captions: tuple[LexborNode, ...]
    lines: tuple[tuple[LexborNode, ...], ...]

    def rows(self, text: Callable[[LexborNode], str]) -> list[list[str]]:
        """
        Return the texts of the cells, all rows equally long; `text` makes one of a cell.

        A cell over several rows is repeated in each, one over several columns stands in the first.
        """
        rows: list[list[str]] = []
        hanging: dict[int, tuple[str, int]] = {}
        for line in self.lines:
            row: list[str] = []
            for cell in line:
                _hang(row, hanging)
                content, down = text(cell), _span(cell, "rowspan")
                for place in range(min(_span(cell, "colspan"), max(1, _MOST_COLUMNS - len(row)))):
                    if down > 1:
                        hanging[len(row)] = ("" if place else content, down - 1)
                    row.append("" if place else content)
            _hang(row, hanging)
            rows.append(row)
        width = max(map(len, rows), default=0)
        return [row + [""] * (width - len(row)) for row in rows]


def table_of(node: LexborNode) -> Table | None:
    """Return the table of a `table` element; None where it only puts things beside each other."""
    if node.attributes.get("role") in ("presentation", "none") or node.css_first("table table") is not None:
        return None
    captions = tuple(child for child in node.iter() if child.tag == "caption")
    lines = tuple(
        cells for row in _lines(node) if (cells := tuple(each for each in row.iter() if each.tag in _CELLS))
    )
    if not 2 <= max(map(len, lines), default=0) <= _MOST_COLUMNS:
        return None
    return Table(captions, lines)


def _lines(node: LexborNode) -> Iterator[LexborNode]:
    for child in node.iter():
        if child.tag == "tr":
            yield child
        elif child.tag in _PARTS:
            yield from (row for row in child.iter() if row.tag == "tr")


def _hang(row: list[str], hanging: dict[int, tuple[str, int]]) -> None:
    """Put what hangs down from the rows above where it belongs."""
    while len(row) in hanging and len(row) < _MOST_COLUMNS:
        place = len(row)
        content, left = hanging.pop(place)
        if left > 1:
            hanging[place] = (content, left - 1)
        row.append(content)


def _span(cell: LexborNode, name: str) -> int:
    given = cell.attributes.get(name) or ""
    return max(int(given), 1) if re.fullmatch(r"\d{1,4}", given) else 1
