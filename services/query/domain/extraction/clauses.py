"""Sentences that are too long, cut where a clause ends."""

import re

# Runs of signs and of white space are tried once, at their beginning, so that a long one costs its length.
_BOUNDARY = re.compile(r"(?<![,;:–—)])[,;:–—)]++(?=\s)|(?<!\s)(?=\s++\()")
_TRAILING = " \t\r\n,;:–—"


def clause_end(text: str, start: int, end: int, most: int) -> int | None:
    """
    Return where to cut `text[start:end]` so that at most `most` characters stay and a clause ends there.

    What joins the clauses is cut off, too. None: no clause ends early enough.
    """
    fitting = [match.end() for match in _BOUNDARY.finditer(text, start, end) if match.end() - start <= most]
    return start + len(text[start : fitting[-1]].rstrip(_TRAILING)) if fitting else None
