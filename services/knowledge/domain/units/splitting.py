"""A passage's text as units that can be quoted: sentences, items of lists, tables, code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.kernel.sentences import sentences
from services.knowledge.domain.units.unit import Kind, Unit

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(?P<words>.*)")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+(?=\S)")
_RULE = re.compile(r"\s*(?:[-*_=]\s*){3,}$|\s*</?[a-zA-Z][^<>]*>\s*$|\s*\{[:%][^}]*\}\s*$|\s*:::")


@dataclass
class _Block:
    kind: Kind
    start: int
    end: int
    heading: str


def units(text: str) -> list[Unit]:
    """
    Return what can be quoted of a text, in its order; spans do not overlap.

    Headings, rules and lines of bare markup are no units. A unit of an item is one of its sentences, without
    the bullet.
    """
    found: list[Unit] = []
    place = 0
    heading = None
    for number, block in enumerate(_blocks(text)):
        if block.heading != heading:
            heading, place = block.heading, 0
        for start, end in _spans(text, block):
            found.append(Unit(start, end, block.kind, number, block.heading, place))
            place += 1
    return found


def _spans(text: str, block: _Block) -> Iterator[tuple[int, int]]:
    if block.kind is Kind.SENTENCE:
        yield from sentences(text, block.start, block.end)
    elif block.kind is Kind.ITEM:
        for start, end in _items(text, block.start, block.end):
            yield from sentences(text, start, end)
    elif text[block.start : block.end].strip():
        whole = text[block.start : block.end]
        yield block.start + len(whole) - len(whole.lstrip()), block.start + len(whole.rstrip())


def _items(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = None
    for line_start, line_end in _lines(text, start, end):
        bullet = _ITEM.match(text, line_start, line_end)
        if bullet:
            if begin is not None:
                yield begin, line_start
            begin = bullet.end()
    if begin is not None:
        yield begin, end


def _lines(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    end = len(text) if end is None else end
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop + 1
        yield start, stop
        start = stop


def _blocks(text: str) -> list[_Block]:
    blocks: list[_Block] = []
    heading, fence = "", ""
    open_block: _Block | None = None  # the one that the next line may go on with
    for start, end in _lines(text):
        line = text[start:end].rstrip()
        if fence and open_block:
            open_block.end = end
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence, open_block = "", None
            continue
        mark = _FENCE.match(line)
        if mark:
            fence = mark.group(1)
            open_block = _Block(Kind.CODE, start, end, heading)
            blocks.append(open_block)
            continue
        head = _HEADING.match(line)
        if head:
            heading, open_block = head.group("words").rstrip("#").rstrip(), None
            continue
        if not line.strip() or _RULE.match(line):
            # A list goes on after an empty line; a paragraph does not.
            if open_block and open_block.kind is not Kind.ITEM:
                open_block = None
            continue
        open_block = _placed(blocks, open_block, line, (start, end), heading)
    return blocks


def _placed(
    blocks: list[_Block], open_block: _Block | None, line: str, span: tuple[int, int], heading: str
) -> _Block:
    kind = _kind(line)
    goes_on = open_block is not None and open_block.kind is kind
    if open_block and open_block.kind is Kind.ITEM and kind is Kind.SENTENCE:
        # An indented or a directly following line belongs to the item above it.
        goes_on = line[:1].isspace() or open_block.end == span[0]
    if goes_on and open_block:
        open_block.end = span[1]
        return open_block
    block = _Block(kind, *span, heading)
    blocks.append(block)
    return block


def _kind(line: str) -> Kind:
    if line.lstrip().startswith("|"):
        return Kind.TABLE
    return Kind.ITEM if _ITEM.match(line) else Kind.SENTENCE
