"""Markers in an answer that name the passages it rests on: `[1]`, `[1, 2]`, `[1][2]`."""

import re

MARKER = re.compile(r"\[\^?\d{1,3}(?:\s*[,;]\s*\^?\d{1,3})*\](?!\()")
_SPACED = re.compile(r"[ \t]*" + MARKER.pattern)
_UNFINISHED = re.compile(r"[ \t]*\[\^?\d{0,3}(?:\s*[,;]\s*\^?\d{0,3})*$")
_NUMBER = re.compile(r"\d+")
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_ONLY = re.compile(rf"(?:\s|{MARKER.pattern})*(?:\[[\d\s,;^]*)?")
_LEADING = re.compile(rf"(?:\s*{MARKER.pattern})+")


def without_markers(text: str) -> tuple[str, tuple[int, ...]]:
    """
    Return a text without its markers, and the numbers that they name, each once, in their order.

    What stands in code is no marker.
    """
    named: dict[int, None] = {}
    parts: list[str] = []
    at = 0
    for code in [*_CODE.finditer(text), None]:
        prose = text[at : code.start() if code else len(text)]
        for marker in MARKER.finditer(prose):
            named.update(dict.fromkeys(int(each) for each in _NUMBER.findall(marker.group())))
        parts.append(_SPACED.sub("", prose))
        if code:
            parts.append(code.group())
            at = code.end()
    return _UNFINISHED.sub("", "".join(parts)).strip(), tuple(named)


def is_only_markers(text: str) -> bool:
    """Tell whether a text holds nothing but markers, of which the last may be unfinished."""
    return _ONLY.fullmatch(text) is not None


def leading_markers(text: str) -> int:
    """Return how long the run of markers is that a text begins with."""
    match = _LEADING.match(text)
    return match.end() if match else 0
