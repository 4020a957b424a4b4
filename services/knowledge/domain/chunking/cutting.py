"""Cutting of what is too long to stay whole, at the most natural place that is left."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.knowledge.domain.chunking.blocks import Kind, Piece

CountTokens = Callable[[str], int]

_SENTENCE_END = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’»)\]]))\s+|(?<=[。！？])")
# No text has more characters to a token for long.
_MAX_TOKEN_LENGTH = 20
# What stands between the parts of a piece that was cut, and how badly a border there reads.
_WITHIN = {
    Kind.PARAGRAPH: (" ", 2),
    Kind.LIST_ITEM: ("\n", 2),
    Kind.TABLE: ("\n", 2),
    Kind.CODE: ("\n\n", 2),
}


def weighed(count: CountTokens) -> CountTokens:
    """
    Return a count by which no long text is small.

    A tokenizer may take a word of any length for one token, and passages would have no bound.
    """
    return lambda text: max(count(text), -(-len(text) // _MAX_TOKEN_LENGTH))


@dataclass(frozen=True)
class Bit:
    """
    What a chunk is made of: a piece, or a part of one.

    `glue` stands between it and the bit before it in the same chunk. `apart` says how badly a chunk's border
    before it would read: 0 between blocks to 3 right after "as follows:". `head` is what a chunk that begins
    with it repeats: the header of a table that was cut.
    """

    text: str
    tokens: int
    glue: str
    apart: int
    head: str = ""
    head_tokens: int = 0


def bits(pieces: list[Piece], count: CountTokens, target: int, maximum: int) -> list[Bit]:
    """
    Return the bits of a section.

    Tables, code and items are cut only beyond `maximum` tokens, paragraphs beyond `target`; no bit has more
    than `maximum` tokens.
    """
    found: list[Bit] = []
    before: Piece | None = None
    for piece in pieces:
        head, parts = _parts(piece, count, target, maximum)
        for part, text in enumerate(parts):
            if part:
                glue, apart = _WITHIN[piece.kind]
                found.append(Bit(text, count(text), glue, apart, head, count(head)))
            else:
                glue, apart = _between(before, piece)
                found.append(Bit(head + text, count(head + text), glue, apart))
        before = piece
    return found


def _between(before: Piece | None, piece: Piece) -> tuple[str, int]:
    items = piece.kind is Kind.LIST_ITEM
    if items and before is not None and before.kind is Kind.LIST_ITEM:
        return "\n", 1
    leads = before is not None and before.text.rstrip().endswith(":")
    return "\n\n", 3 if leads else 0


def _parts(piece: Piece, count: CountTokens, target: int, maximum: int) -> tuple[str, list[str]]:
    whole = target if piece.kind is Kind.PARAGRAPH else maximum
    if not _longer(piece.text, count, whole):
        return "", [piece.text]
    if piece.kind is Kind.TABLE:
        return _table(piece.text, count, target)
    if piece.kind is Kind.CODE:
        return "", list(_code(piece.text, count, target))
    separator = " " if piece.kind is Kind.PARAGRAPH else "\n"
    # Half-size parts, so that the borders of chunks can fall where they stay put under edits.
    return "", list(_packed(_sentences(piece.text, count, target), count, target // 2, separator))


def _table(text: str, count: CountTokens, limit: int) -> tuple[str, list[str]]:
    lines = text.split("\n")
    head, rows = "\n".join(lines[:2]) + "\n", lines[2:]
    room = limit - count(head)
    if room < limit // 2:  # a header that fills the chunk can't be repeated
        head, rows, room = "", lines, limit
    return head, list(_packed(_lines(rows, count, room), count, room // 2, "\n"))


def _code(text: str, count: CountTokens, limit: int) -> Iterator[str]:
    lines = text.split("\n")
    opening, body, closing = lines[0], lines[1:-1], lines[-1]
    if count(opening) + count(closing) > limit // 2:  # fences that fill the chunk can't be repeated
        yield from _packed(_lines(lines, count, limit), count, limit, "\n")
        return
    for part in _packed(_lines(body, count, limit), count, limit, "\n"):
        yield f"{opening}\n{part}\n{closing}"


def _lines(lines: list[str], count: CountTokens, limit: int) -> Iterator[str]:
    for line in lines:
        yield from _hard(line, count, limit)


def _sentences(text: str, count: CountTokens, limit: int) -> Iterator[str]:
    for line in text.split("\n"):
        for sentence in _SENTENCE_END.split(line):
            yield from _hard(sentence, count, limit)


def _hard(text: str, count: CountTokens, limit: int) -> Iterator[str]:
    """Halve what has no natural place to be cut, at a space where there is one."""
    if len(text) < 2 or not _longer(text, count, limit):
        yield text
        return
    middle = len(text) // 2
    space = text.rfind(" ", 0, middle)
    cut = space if space > len(text) // 4 else middle
    yield from _hard(text[:cut].rstrip(), count, limit)
    yield from _hard(text[cut:].lstrip(), count, limit)


def _longer(text: str, count: CountTokens, limit: int) -> bool:
    return len(text) > limit * _MAX_TOKEN_LENGTH or count(text) > limit


def _packed(units: Iterator[str], count: CountTokens, limit: int, separator: str) -> Iterator[str]:
    pack: list[str] = []
    size = length = 0
    for unit in units:
        tokens = count(unit)
        # Empty lines are no tokens.
        if pack and (size + tokens > limit or length > limit * _MAX_TOKEN_LENGTH):
            yield separator.join(pack)
            pack, size, length = [], 0, 0
        if unit.strip() or separator == "\n":
            pack.append(unit)
            size += tokens
            length += len(unit) + len(separator)
    if pack:
        yield separator.join(pack)
