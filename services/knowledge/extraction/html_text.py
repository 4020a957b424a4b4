"""HTML inside Markdown, reduced to blocks of its text."""

import re
from html.parser import HTMLParser

from services.knowledge.domain.chunking.blocks import Block, Heading, Kind, Piece

_SKIPPED = frozenset({"script", "style", "template", "noscript", "svg", "iframe", "head"})
_BREAKING = frozenset(
    {"address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl"}
    | {
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hr",
        "html",
        "main",
        "nav",
        "ol",
    }
    | {"p", "section", "summary", "table", "tbody", "tfoot", "thead", "ul"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SPACE = re.compile(r"[ \t\r\n\f]+")


def html_blocks(source: str) -> list[Block]:
    """Return the headings and texts of a stretch of HTML, whole or not; scripts and comments are left out."""
    parser = _Blocks()
    parser.feed(source)
    parser.close()
    parser.flush()
    return parser.blocks


class _Blocks(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._text = ""
        self._kind = Kind.PARAGRAPH
        self._level = 0
        self._skipping = ""
        self._lists: list[int] = []  # next number of each open list; 0: bullets
        self._rows: list[str] = []
        self._cells: list[str] | None = None
        self._preformatted = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipping:
            return
        if tag in _SKIPPED:
            self._skipping = tag
        elif tag == "br":
            self._text += "\n"
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag == "tr":
            self.flush()
            self._cells = []
        elif tag == "li":
            self.flush()
            self._text = self._marker()
            self._kind = Kind.LIST_ITEM
        elif tag == "pre":
            self.flush()
            self._preformatted, self._kind = True, Kind.CODE
        elif tag in _HEADINGS:
            self.flush()
            self._level = _HEADINGS[tag]
        elif tag in _BREAKING and self._kind is not Kind.LIST_ITEM:
            self.flush()
        if tag in ("ul", "ol"):
            self.flush()
            self._lists.append(1 if tag == "ol" else 0)

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            self._skipping = "" if tag == self._skipping else self._skipping
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "table":
            self._end_table()
        elif tag == "pre":
            self.flush()
            self._preformatted = False
        elif tag == "li" or tag in _HEADINGS or (tag in _BREAKING and self._kind is not Kind.LIST_ITEM):
            self.flush()
        if tag in ("ul", "ol"):
            self.flush()
            del self._lists[-1:]

    def handle_data(self, data: str) -> None:
        if self._skipping:
            return
        self._text += data if self._preformatted else _SPACE.sub(" ", data)

    def flush(self) -> None:
        """Finish the block that is open."""
        text, self._text = self._text, ""
        kind, self._kind = self._kind, Kind.PARAGRAPH
        level, self._level = self._level, 0
        if kind is Kind.CODE and text.strip():
            body = text.strip("\n")
            self.blocks.append(Piece(kind, f"```\n{body}\n```"))
            return
        indent = text[: len(text) - len(text.lstrip(" "))] if kind is Kind.LIST_ITEM else ""
        lines = [_SPACE.sub(" ", line).strip() for line in text.split("\n")]
        cleaned = re.sub(r"\n{2,}", "\n\n", "\n".join(lines)).strip()
        if not cleaned or (kind is Kind.LIST_ITEM and re.fullmatch(r"-|\d+\.", cleaned)):
            return
        if level:
            self.blocks.append(Heading(level, " ".join(cleaned.split())))
        elif kind is Kind.LIST_ITEM:
            self.blocks.append(Piece(kind, indent + cleaned.replace("\n\n", "\n")))
        else:
            self.blocks += [Piece(kind, paragraph) for paragraph in cleaned.split("\n\n")]

    def _marker(self) -> str:
        depth = max(0, len(self._lists) - 1)
        if not self._lists or self._lists[-1] == 0:
            return "  " * depth + "- "
        number = self._lists[-1]
        self._lists[-1] += 1
        return "  " * depth + f"{number}. "

    def _end_cell(self) -> None:
        if self._cells is not None and self._text.strip():
            self._cells.append(" ".join(self._text.split()).replace("|", "\\|"))
            self._text = ""

    def _end_row(self) -> None:
        self._end_cell()
        if self._cells:
            self._rows.append("| " + " | ".join(self._cells) + " |")
            if len(self._rows) == 1:
                self._rows.append("|" + " --- |" * len(self._cells))
        self._cells = None

    def _end_table(self) -> None:
        self.flush()
        if self._rows:
            self.blocks.append(Piece(Kind.TABLE, "\n".join(self._rows)))
        self._rows = []
