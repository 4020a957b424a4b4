"""The lines of a PDF, without those that its pages repeat: headers, footers, page numbers."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from services.knowledge.extraction.pdf_text import PageText, Word

# Where headers and footers are, as a part of the page's height; how many lines they have at most.
_MARGIN = 0.12
_MARGIN_LINES = 3
_REPEATED_ON = 3
# A page's number may stand higher, where nothing is near it. In units of the font's size.
_ISOLATED = 1.8
# How far a raised or lowered character is from its line's base, and how near to its end.
_RAISED, _SAME_BASE, _BESIDE = 0.7, 0.2, 0.5
# Between words of a line; a wider gap parts the columns of a table. In units of the font's size.
_GAP = 1.2
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?:page|seite|p\.|s\.)?\s*[-–—]?\s*(?:\d{1,4}|[ivxlc]{1,6})\s*[-–—]?(?:\s*(?:/|of|von)\s*\d{1,4})?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Line:
    """Words that stand on one line of a page."""

    page: int
    words: tuple[Word, ...]

    @cached_property
    def text(self) -> str:
        """The words with spaces between them."""
        return " ".join(word.text for word in self.words)

    @cached_property
    def size(self) -> float:
        """The size of most of its characters."""
        sizes: Counter[float] = Counter()
        for word in self.words:
            sizes[word.size] += len(word.text)
        return max(sizes.items(), key=lambda each: (each[1], each[0]))[0]

    @property
    def left(self) -> float:
        """Where it begins."""
        return min(word.left for word in self.words)

    @property
    def right(self) -> float:
        """Where it ends."""
        return max(word.right for word in self.words)

    @property
    def y(self) -> float:
        """Its base."""
        return self.words[0].y

    @property
    def broken(self) -> bool:
        """Whether its last word goes on in the next line."""
        return self.words[-1].broken

    @cached_property
    def bold(self) -> bool:
        """Whether all of it is bold."""
        return all(word.bold for word in self.words)

    @cached_property
    def mono(self) -> bool:
        """Whether all of it is in a font of one width."""
        return all(word.mono for word in self.words)

    @cached_property
    def cells(self) -> tuple[tuple[Word, ...], ...]:
        """Its words, parted where a gap is wider than between words."""
        cells: list[list[Word]] = [[self.words[0]]]
        for before, word in zip(self.words, self.words[1:], strict=False):
            if word.left - before.right > _GAP * max(self.size, 1.0):
                cells.append([])
            cells[-1].append(word)
        return tuple(map(tuple, cells))


def lines_of(pages: Sequence[PageText]) -> list[Line]:
    """Return the lines of all pages in their order, without what stands on many pages and page numbers."""
    by_page = [_whole_lines(number, page) for number, page in enumerate(pages)]
    margins = [_margin(lines, page.height) for lines, page in zip(by_page, pages, strict=True)]
    seen = Counter(key for lines in margins for key in {_key(line) for line in lines})
    repeated = {id(line) for lines in margins for line in lines if seen[_key(line)] >= _REPEATED_ON}
    furniture = repeated | {id(line) for lines in by_page for line in _page_numbers(lines)}
    return [line for lines in by_page for line in lines if id(line) not in furniture]


def _whole_lines(number: int, page: PageText) -> list[Line]:
    """The lines of a page; what is raised, and what stands on one base further right, is of one line."""
    lines: list[Line] = []
    for words in page.lines:
        line = Line(number, words)
        before = lines[-1] if lines else None
        if before is not None and not before.broken and _is_beside(before, line):
            lines[-1] = Line(number, before.words + words)
        else:
            lines.append(line)
    return lines


def _is_beside(before: Line, line: Line) -> bool:
    size = max(before.size, line.size)
    gap, up = line.left - before.right, abs(line.y - before.words[-1].y)
    if gap < -_BESIDE * size:
        return False
    return up <= _SAME_BASE * size or (gap <= _BESIDE * size and up <= _RAISED * size)


def _margin(lines: list[Line], height: float) -> list[Line]:
    """The lines at the top and at the bottom of a page."""
    ordered = sorted(lines, key=lambda line: line.y)
    low = [line for line in ordered[:_MARGIN_LINES] if line.y < height * _MARGIN]
    return low + [line for line in ordered[-_MARGIN_LINES:] if line.y > height * (1 - _MARGIN)]


def _page_numbers(lines: list[Line]) -> list[Line]:
    """The first and the last line of a page where they are its number, apart from the text."""
    ordered = sorted(lines, key=lambda line: line.y)
    found = []
    for line, neighbour in ((ordered[0], ordered[1]), (ordered[-1], ordered[-2])) if len(ordered) > 1 else ():
        if _PAGE_NUMBER.fullmatch(line.text) and abs(line.y - neighbour.y) > _ISOLATED * line.size:
            found.append(line)
    return found


def _key(line: Line) -> tuple[str, int]:
    return _DIGITS.sub("#", line.text), round(line.y / 4)
