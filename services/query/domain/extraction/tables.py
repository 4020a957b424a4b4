"""Tables by their rows: which one answers, and what to quote of a table that is too long."""

import re
from collections.abc import Mapping

from services.query.domain.text.words import coverage, term_set

_DELIMITERS = re.compile(r"\s*\|?[\s:|-]*-[\s:|-]*")


def telling_row(table: str, weight: Mapping[str, float]) -> tuple[int, int]:
    """Return where the row stands that has most to do with a question; the head's where there is no other."""
    head = _head(table)
    rows = _lines(table, head) or [(0, head)]
    return max(rows, key=lambda row: coverage(weight, term_set(table[row[0] : row[1]])))


def judged_by(table: str, weight: Mapping[str, float]) -> str:
    """Return the head and the row that has most to do with a question: not all rows answer it."""
    start, end = telling_row(table, weight)
    return f"{table[: _head(table)]}\n{table[start:end]}"


def shortened(table: str, weight: Mapping[str, float], most: int) -> tuple[str, int, int]:
    """
    Return the head, and where whole rows stand that come with it to at most `most` characters.

    The row that has most to do with the question is among them. The head is empty, and a row is cut, where
    there is no room for more.
    """
    start, end = telling_row(table, weight)
    head = table[: _head(table)]
    room = most - len(head) - 1
    if end - start > room or start < len(head):
        return "", start, min(end, start + most)
    rows = _lines(table, len(head))
    first = next(row for row in rows if end - row[0] <= room)
    last = [row for row in rows if row[1] - first[0] <= room][-1]
    return head, first[0], last[1]


def _head(table: str) -> int:
    """Return where the head ends: the first line, and the one that parts it from the rows."""
    lines = _lines(table, 0)
    if len(lines) > 1 and _DELIMITERS.fullmatch(table[slice(*lines[1])]):
        return lines[1][1]
    return lines[0][1] if lines else 0


def _lines(text: str, start: int) -> list[tuple[int, int]]:
    """Return the lines that are not blank, without what stands around them."""
    return [match.span() for match in re.compile(r"\S(?:[^\n]*\S)?").finditer(text, start)]
