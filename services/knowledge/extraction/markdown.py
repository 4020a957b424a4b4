"""Markdown to headings and pieces of readable text."""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from services.knowledge.domain.chunking.blocks import Block, Heading, Kind, Piece
from services.knowledge.domain.front_matter import without_front_matter
from services.knowledge.extraction.fence import fenced
from services.knowledge.extraction.html_blocks import fragment_blocks
from services.knowledge.extraction.templating import clean_source, clean_text

_BREAK = re.compile(r"<(?:br|/?p|/?li|/?div|/?ul|/?ol)(?:\s[^>]*)?/?>", re.IGNORECASE)
# Noncharacters stand for braces and angles of inline code while what only looks like markup is taken out.
_GUARDED = str.maketrans({"{": "\ufdd0", "}": "\ufdd1", "<": "\ufdd2", ">": "\ufdd3"})
_GUARDED_TAGS = str.maketrans({"<": "\ufdd2", ">": "\ufdd3"})
_UNGUARDED = str.maketrans({"\ufdd0": "{", "\ufdd1": "}", "\ufdd2": "<", "\ufdd3": ">"})


def markdown_blocks(source: str) -> list[Block]:
    """Return the blocks of a page; front matter, markup and templating are gone, text is kept."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(clean_source(without_front_matter(source)))
    blocks: list[Block] = []
    for node in SyntaxTreeNode(tokens).children:
        blocks += _blocks(node)
    return blocks


def _blocks(node: SyntaxTreeNode) -> list[Block]:
    match node.type:
        case "heading":
            text = " ".join(_inline_text(node).split())
            return [Heading(int(node.tag[1:]), text)] if text else []
        case "paragraph":
            return _piece(Kind.PARAGRAPH, _inline_text(node))
        case "bullet_list" | "ordered_list":
            return [Piece(Kind.LIST_ITEM, text) for text in _items(node, "")]
        case "table":
            return _piece(Kind.TABLE, _table(node))
        case "fence" | "code_block":
            return _piece(Kind.CODE, _code(node)) if node.content.strip() else []
        case "html_block":
            return fragment_blocks(_untemplated(node.content))
        case "blockquote":
            return [block for child in node.children for block in _blocks(child)]
        case _:
            return []


def _untemplated(source: str) -> str:
    return clean_text(source.translate(_GUARDED_TAGS)).translate(_UNGUARDED)


def _piece(kind: Kind, text: str) -> list[Block]:
    return [Piece(kind, text)] if text.strip() else []


def _inline_text(node: SyntaxTreeNode) -> str:
    inlines = [child for child in node.children if child.type == "inline"]
    return "\n".join(_text_of(child.children) for child in inlines)


def _text_of(nodes: Sequence[SyntaxTreeNode]) -> str:
    text = clean_text("".join(_inline(node) for node in nodes)).translate(_UNGUARDED)
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()


def _inline(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "text_special":
            return node.content
        case "code_inline":
            return node.content.translate(_GUARDED)
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "html_inline":
            return "\n" if _BREAK.fullmatch(node.content) else ""
        case _:
            return "".join(_inline(child) for child in node.children)


def _items(node: SyntaxTreeNode, indent: str) -> list[str]:
    """Each item with its marker and all below it, indented."""
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    items = []
    for place, item in enumerate(node.children):
        marker = "- " if number is None else f"{number + place}. "
        lines: list[str] = []
        for child in item.children:
            lines += _item_lines(child)
        if any(line.strip() for line in lines):
            first, *others = lines
            inner = indent + " " * len(marker)
            items.append("\n".join([indent + marker + first, *(inner + line for line in others)]))
    return items


def _item_lines(child: SyntaxTreeNode) -> list[str]:
    if child.type in ("bullet_list", "ordered_list"):
        return "\n".join(_items(child, "")).split("\n")
    texts = [block.text for block in _blocks(child)]
    return "\n".join(texts).split("\n") if texts else []


def _table(node: SyntaxTreeNode) -> str:
    rows: list[list[str]] = []
    for row in node.walk():
        if row.type == "tr":
            rows.append([_cell(cell) for cell in row.children])
    if not any(any(row) for row in rows):
        return ""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _cell(node: SyntaxTreeNode) -> str:
    lines = [line for line in _inline_text(node).split("\n") if line]
    return "; ".join(lines).replace("|", "\\|")


def _code(node: SyntaxTreeNode) -> str:
    return fenced(node.content.rstrip("\n"), _language(node))


def _language(node: SyntaxTreeNode) -> str:
    words: list[str] = node.info.split() if node.type == "fence" else []
    return words[0] if words else ""
