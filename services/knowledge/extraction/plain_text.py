"""Plain text to paragraphs."""

import re

from services.knowledge.domain.chunking.blocks import Block, Kind, Piece

_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*")


def plain_text_blocks(text: str) -> list[Block]:
    """Return the paragraphs; their lines stay lines."""
    paragraphs = (part.strip() for part in _EMPTY_LINES.split(text))
    return [Piece(Kind.PARAGRAPH, part) for part in paragraphs if part]
