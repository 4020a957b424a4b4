"""
PDF to blocks.

A PDF says where characters stand, not what they are: headings are told by their size or weight, paragraphs by
the distance of lines and their indents, items by their marks, code by its font, tables by columns that agree.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from services.knowledge.domain.chunking.blocks import Block, Heading, Kind, Piece
from services.knowledge.extraction.fence import fenced
from services.knowledge.extraction.pdf_lines import Line, lines_of
from services.knowledge.extraction.pdf_text import Word, pages_of

# A heading's size beside the text's, and how long it may be.
_LARGER = 1.12
_LONGEST_HEADING = 160
_LONGEST_BOLD_HEADING = 90
_MOST_HEADINGS = 0.4
_LEVELS = 6
# The distance of lines beyond which a paragraph ends, in units of the usual one.
_APART = 1.3
_INDENT = 0.8
_ITEM = re.compile(
    r"(?P<mark>[•◦▪▫■□●○‣⁃∙·\-–*]|\uf0b7|\(?\d{1,3}[.)]|\(?[a-z]\)|\([ivx]{1,5}\))\s+(?P<text>\S.*)",
    re.DOTALL,
)
_NUMBERED = re.compile(r"\(?(\d{1,3})[.)]")
_SENTENCE_END = re.compile(r"[.!?:;…。][\"'”’»)\]]?$")


def pdf_blocks(content: bytes) -> list[Block]:
    """
    Return the blocks of a PDF; none of one that has only pictures.

    Raises:
        IndexingFailed: ENCRYPTED_DOCUMENT, EXTRACTION_TOO_LARGE or EXTRACTION_FAILED.
    """
    lines = lines_of(list(pages_of(content)))
    return list(_Layout(lines).blocks()) if lines else []


class _Layout:
    """What is usual in a document, by which its lines are told apart."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        sizes: Counter[float] = Counter()
        bold = 0
        for line in lines:
            sizes[line.size] += len(line.text)
            bold += len(line.text) if line.bold else 0
        self._size = max(sizes.items(), key=lambda each: (each[1], -each[0]))[0]
        self._bold = bold > sum(sizes.values()) / 2
        self._leading = self._usual_leading()
        heads = [line for line in lines if self._is_large(line)]
        # A flyer with letters of all sizes has no headings.
        self._headed = len(heads) <= max(1, len(lines) * _MOST_HEADINGS)
        larger = sorted({line.size for line in heads}, reverse=True)
        self._levels = {size: min(level, _LEVELS - 1) for level, size in enumerate(larger, 1)}

    def blocks(self) -> Iterator[Block]:
        """Yield what the lines are."""
        place = 0
        while place < len(self._lines):
            end = self._table_end(place)
            if end > place:
                yield Piece(Kind.TABLE, _table(self._lines[place:end]))
                place = end
                continue
            end, block = self._next(place)
            yield block
            place = end

    def _next(self, place: int) -> tuple[int, Block]:
        """The block that begins at a line, and the line after it."""
        line = self._lines[place]
        if level := self._level(place):
            end = self._run(place, lambda other: self._level(other) == level)
            return end, Heading(level, _joined(self._lines[place:end]))
        if line.mono:
            end = self._run(place, lambda other: self._lines[other].mono, _APART * 2)
            return end, Piece(Kind.CODE, _code(self._lines[place:end]))
        item = _ITEM.fullmatch(line.text)
        end = self._run(place, lambda other: self._continues(place, other, item is not None))
        if item is None:
            return end, Piece(Kind.PARAGRAPH, _joined(self._lines[place:end]))
        number = _NUMBERED.fullmatch(item["mark"])
        text = _ITEM.fullmatch(_joined(self._lines[place:end]))
        marker = f"{number[1]}. " if number else "- "
        return end, Piece(Kind.LIST_ITEM, marker + (text or item)["text"])

    def _run(self, place: int, belongs: Callable[[int], bool], apart: float = _APART) -> int:
        end = place + 1
        while end < len(self._lines) and self._near(end, apart) and belongs(end):
            end += 1
        return end

    def _near(self, place: int, apart: float) -> bool:
        """Whether a line follows the one before it at the usual distance, or in another column."""
        before, line = self._lines[place - 1], self._lines[place]
        if before.page == line.page:
            down = before.y - line.y
            if down >= -0.1 * line.size:
                return down <= apart * max(self._leading, before.size)
        # At the top of the next column or page only what is not at its end goes on.
        return before.broken or (not _SENTENCE_END.search(before.text) and line.text[:1].islower())

    def _continues(self, first: int, place: int, item: bool) -> bool:
        """Whether a line goes on with the paragraph or the item that began at `first`."""
        start, before, line = self._lines[first], self._lines[place - 1], self._lines[place]
        if self._level(place) or line.mono or abs(line.size - start.size) > 0.15 * start.size:
            return False
        if self._table_end(place) > place:
            return False
        if before.broken:
            return True
        if _ITEM.fullmatch(line.text) and (item or _SENTENCE_END.search(before.text)):
            return False
        same_column = before.page == line.page and before.y > line.y
        if not same_column:
            return True
        indent = _INDENT * line.size
        if item:
            return line.left > start.left - indent and line.left > start.left + 0.3 * line.size
        return not (line.left - before.left > indent and place - first > 1) and not (
            line.left - before.left > indent and _SENTENCE_END.search(before.text)
        )

    def _is_large(self, line: Line) -> bool:
        return line.size >= self._size * _LARGER and len(line.text) <= _LONGEST_HEADING

    def _level(self, place: int) -> int:
        """The level of the heading that a line is; 0 for none."""
        line = self._lines[place]
        if line.mono or not self._headed or not any(letter.isalpha() for letter in line.text):
            return 0
        if self._is_large(line):
            return self._levels[line.size]
        if (
            line.bold
            and not self._bold
            and len(line.cells) == 1
            and line.size >= self._size
            and len(line.text) <= _LONGEST_BOLD_HEADING
            and not re.search(r"[.,;]$", line.text)
            and self._stands_alone(place)
        ):
            return min(_LEVELS, len(set(self._levels.values())) + 1)
        return 0

    def _stands_alone(self, place: int) -> bool:
        before = self._lines[place - 1] if place else None
        return (
            before is None
            or before.page != self._lines[place].page
            or not self._near(place, 1.15)
            or before.bold
        )

    def _table_end(self, place: int) -> int:
        """The line after the table that begins at a line; the same line where none does."""
        columns = len(self._lines[place].cells)
        if columns < 2 or self._level(place):
            return place
        end = place + 1
        while (
            end < len(self._lines)
            and len(self._lines[end].cells) == columns
            and self._near(end, 2.5 * _APART)
            and _aligned(self._lines[place], self._lines[end])
        ):
            end += 1
        return end if end - place >= (2 if columns > 2 else 3) else place

    def _usual_leading(self) -> float:
        pairs = zip(self._lines, self._lines[1:], strict=False)
        distances = [
            one.y - other.y
            for one, other in pairs
            if one.page == other.page
            and one.size == other.size == self._size
            and 0 < one.y - other.y < 3 * self._size
        ]
        return median(distances) if distances else 1.2 * self._size


def _aligned(one: Line, other: Line) -> bool:
    """Whether the cells of two lines stand below each other."""
    return all(
        mine[0].left < theirs[-1].right and theirs[0].left < mine[-1].right
        for mine, theirs in zip(one.cells, other.cells, strict=True)
    )


def _table(lines: Sequence[Line]) -> str:
    rows = ["| " + " | ".join(_cell(cell) for cell in line.cells) + " |" for line in lines]
    return "\n".join([rows[0], "|" + " --- |" * len(lines[0].cells), *rows[1:]])


def _cell(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words).replace("|", "\\|")


def _code(lines: Sequence[Line]) -> str:
    """Code with its indents, which are told by where its lines begin."""
    edge = min(line.left for line in lines)
    width = median(
        [(word.right - word.left) / max(len(word.text), 1) for line in lines for word in line.words]
    )
    body = "\n".join(" " * min(80, round((line.left - edge) / max(width, 1))) + line.text for line in lines)
    return fenced(body)


def _joined(lines: Sequence[Line]) -> str:
    """The text of lines; a word that was broken at the end of one is whole again."""
    text = ""
    for line in lines:
        if text and not text.endswith("\0"):
            text += " "
        elif text:
            # "Schwarz-Weiß" keeps its hyphen, "infor-mation" does not.
            text = text[:-1] + ("" if line.text[:1].islower() else "-")
        text += line.text + ("\0" if line.broken else "")
    return text.replace("\0", "-")
