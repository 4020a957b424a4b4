"""HTML, already parsed, to the blocks of its text."""

import re
from collections.abc import Callable

from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.knowledge.domain.chunking.blocks import Block, Heading, Kind, Piece
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction.fence import fenced
from services.knowledge.extraction.html_table import Table, table_of

# A page has some twenty levels; more than these are nonsense that would exhaust the stack.
_DEEPEST = 150
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "menu"})
_INLINE = re.compile(
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|nobr|q|s|samp|"
    "small|span|strike|strong|sub|sup|time|tt|u|var|wbr"
)
# What no reader sees as text.
_UNREAD = re.compile(
    "script|style|template|noscript|svg|math|iframe|object|embed|applet|canvas|video|audio|head|title|"
    "map|img|picture|button|input|select|textarea|datalist|progress|meter"
)
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u2060\ufeff"))
# Links at a heading by which people copy its address.
_ANCHORS = frozenset("#¶§🔗")
_LANGUAGE = re.compile(r"\b(?:language|lang|highlight-source|brush:)[-:]?\s*([\w+#-]+)")

Skip = Callable[[LexborNode], bool]


def fragment_blocks(source: str) -> list[Block]:
    """Return the blocks of a stretch of HTML, whole or not; scripts, comments and pictures are left out."""
    root = LexborHTMLParser(f"<body>{source}</body>").body
    return [] if root is None else blocks_of(root, lambda _: False)


def blocks_of(root: LexborNode, skip: Skip) -> list[Block]:
    """
    Return the blocks below `root`, without what `skip` says.

    Raises:
        IndexingFailed: EXTRACTION_FAILED; it is nested too deeply.
    """
    flow = _Flow(skip)
    flow.walk(root, 0)
    return flow.finished()


class _Flow:
    """Text that runs until a block ends it."""

    def __init__(self, skip: Skip) -> None:
        self._skip = skip
        self._blocks: list[Block] = []
        self._text: list[str] = []

    def finished(self) -> list[Block]:
        """Return what was found."""
        self._flush()
        return self._blocks

    def walk(self, parent: LexborNode, depth: int) -> None:
        """Take what is below a node."""
        if depth > _DEEPEST:
            raise IndexingFailed("EXTRACTION_FAILED", "The content is nested too deeply.")
        for node in parent.iter(include_text=True):
            tag = node.tag or ""
            if tag == "-text":
                self._text.append(_SPACE.sub(" ", node.text_content or ""))
            elif tag.startswith("-") or _UNREAD.fullmatch(tag) or self._skip(node):
                continue
            elif tag == "br":
                self._text.append("\n")
            elif _INLINE.fullmatch(tag):
                if tag != "a" or node.text().strip() not in _ANCHORS:
                    self.walk(node, depth + 1)
            else:
                self._block(node, tag, depth)

    def _block(self, node: LexborNode, tag: str, depth: int) -> None:
        self._flush()
        if tag in _HEADINGS:
            text = " ".join(_line(block) for block in self._below(node, depth))
            if text:
                self._blocks.append(Heading(_HEADINGS[tag], text))
        elif tag in _LISTS:
            self._blocks += [Piece(Kind.LIST_ITEM, item) for item in self._items(node, tag, depth)]
        elif tag == "pre":
            self._code(node)
        elif tag == "table":
            self._table(node, depth)
        else:
            self.walk(node, depth + 1)
        self._flush()

    def _below(self, node: LexborNode, depth: int) -> list[Block]:
        inner = _Flow(self._skip)
        inner.walk(node, depth + 1)
        return inner.finished()

    def _items(self, node: LexborNode, tag: str, depth: int) -> list[str]:
        """Each item with its marker and all below it, indented; as Markdown's are."""
        numbered = tag == "ol"
        number = _number(node.attributes.get("start"), 1)
        items: list[str] = []
        for item in node.iter():
            if _UNREAD.fullmatch(item.tag or "") or self._skip(item):
                continue
            if item.tag in _LISTS:  # a list right inside a list is one of the item before it
                nested = [
                    f"  {line}"
                    for each in self._items(item, item.tag, depth + 1)
                    for line in each.split("\n")
                ]
                if items and nested:
                    items[-1] = "\n".join([items[-1], *nested])
                else:
                    items += nested
                continue
            marker = f"{number}. " if numbered else "- "
            number += 1
            text = "\n".join(block.text for block in self._below(item, depth))
            if text:
                first, *others = text.split("\n")
                items.append("\n".join([marker + first, *(" " * len(marker) + line for line in others)]))
        return items

    def _code(self, node: LexborNode) -> None:
        text = _preformatted(node).strip("\n")
        if text.strip():
            self._blocks.append(Piece(Kind.CODE, fenced(text, _language(node))))

    def _table(self, node: LexborNode, depth: int) -> None:
        table = table_of(node)
        if table is None:  # a layout
            self.walk(node, depth + 1)
            return
        for caption in table.captions:
            self._blocks += self._below(caption, depth)
        text = self._rows(table, depth)
        if text:
            self._blocks.append(Piece(Kind.TABLE, text))

    def _rows(self, table: Table, depth: int) -> str:
        rows = table.rows(lambda cell: "; ".join(filter(None, map(_line, self._below(cell, depth)))))
        if not any(any(row) for row in rows):
            return ""
        lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
        return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])

    def _flush(self) -> None:
        """Finish the paragraph that is open."""
        text, self._text = "".join(self._text).translate(_INVISIBLE), []
        lines = (" ".join(line.split()) for line in text.split("\n"))
        for paragraph in re.split(r"\n{2,}", "\n".join(lines)):
            if paragraph.strip():
                self._blocks.append(Piece(Kind.PARAGRAPH, paragraph.strip()))


def _line(block: Block) -> str:
    return " ".join(block.text.split())


def _number(text: str | None, otherwise: int) -> int:
    """A small number of an attribute."""
    return int(text) if text and re.fullmatch(r"\d{1,4}", text.strip()) else otherwise


def _preformatted(node: LexborNode) -> str:
    for button in node.css("button"):
        button.decompose()
    for mark in node.css("br"):
        mark.replace_with("\n")
    text: str = node.text()
    return text.translate(_INVISIBLE).replace("\xa0", " ")


def _language(node: LexborNode) -> str:
    for each in (node, *node.css("code")[:1]):
        found = _LANGUAGE.search(each.attributes.get("class") or "")
        if found:
            return found.group(1)
    return ""
