"""JSON from strangers: one object, no name twice, not deep, no numbers that are none."""

import json
import re
from typing import NoReturn

# A string as a whole, so that brackets in it do not count.
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)


class Malformed(ValueError):
    """A text is no JSON object by these rules; the error holds none of it."""


def json_object(raw: bytes, *, depth: int) -> dict[str, object]:
    """
    Return the object that `raw` (UTF-8) holds, nested at most `depth` deep.

    A name that stands twice in an object is refused: of two readers one would take the first, the other the
    last value.

    Raises:
        Malformed: it is something else.
    """
    try:
        text = raw.decode("utf-8")
        # Before the parser, which recurses.
        if _depth(text) > depth:
            raise Malformed("too deep")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Malformed("is not the JSON that is expected") from None
    if not isinstance(value, dict):
        raise Malformed("is no object")
    return value


def _depth(text: str) -> int:
    deepest = level = 0
    for token in _TOKENS.finditer(text):
        character = text[token.start()]
        if character in "[{":
            level += 1
            deepest = max(deepest, level)
        elif character in "]}":
            level -= 1
    return deepest


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a name stands twice")
    return found


def _refuse(_constant: str) -> NoReturn:
    raise Malformed("is no number")
