"""The extractor: bytes of a known type to blocks. No network, no files."""

import re

from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction.markdown import markdown_blocks
from services.knowledge.extraction.plain_text import plain_text_blocks

# PostgreSQL's text holds no NUL; no control character but tab and newline means anything to a reader.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def extract(content: bytes, content_type: ContentType) -> list[Block]:
    """
    Return the blocks of a document.

    Raises:
        IndexingFailed: EXTRACTION_FAILED; it can't be read as what it says it is.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise IndexingFailed("EXTRACTION_FAILED", "The content is not text in UTF-8.") from None
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        return markdown_blocks(text) if content_type is ContentType.MARKDOWN else plain_text_blocks(text)
    except RecursionError:
        raise IndexingFailed("EXTRACTION_FAILED", "The content is nested too deeply.") from None
