"""Sentences of a text as exact spans of it."""

import re
from collections.abc import Iterator

from services.kernel.abbreviations import BEGINNERS, LEADING, TRAILING

# Runs of signs are taken whole or not at all, so that a long one costs no more than its length.
_END = re.compile(r"""(?<![.!?…])[.!?…]++["'”’»)\]*_]*+(?=\s)|[。！？]+["”’»」』）]*""")
_OPENER = re.compile(r"""[\s"'“‘«(\[*_]*""")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]+$")


def sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """
    Yield the span (start included, end excluded) of each sentence of `text[start:end]`, in order.

    Spans neither overlap nor begin or end with white space; all that is not white space is in one of them.
    Full stops of abbreviations, initials, decimals, versions, file names and addresses end no sentence.
    """
    end = len(text) if end is None else end
    begin = start
    for match in _END.finditer(text, start, end):
        if match.start() >= begin and _ends(text, begin, match, end):
            yield from _trimmed(text, begin, match.end())
            begin = match.end()
    yield from _trimmed(text, begin, end)


def _ends(text: str, begin: int, match: re.Match[str], end: int) -> bool:
    sign = match.group()
    if sign[0] not in ".…":
        return True
    opener = _OPENER.match(text, match.end(), end)
    follows = text[opener.end() : end] if opener else ""
    if not follows:
        return True
    if follows[0].islower():
        return False
    word_match = _LAST_WORD.search(text, max(begin, match.start() - 40), match.start())
    word = word_match.group().casefold() if word_match else ""
    if sign[0] == "." and len(sign.rstrip("\"'”’»)]*_")) == 1:
        if word in LEADING:
            return False
        if word == "no":
            return not follows[0].isdigit()  # "No. 5"
        if len(word) == 1 and word.isalpha():
            return word == "i"
        if word in TRAILING:
            return re.split(r"\W", follows, maxsplit=1)[0].casefold() in BEGINNERS
        if word.isdigit() and word_match and not text[begin : word_match.start()].strip():
            return False  # the number of a list's item
    return True


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
