"""The extractor: bytes of a known type to blocks. No network, no files."""

import re
from dataclasses import replace

from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction.docx import docx_blocks
from services.knowledge.extraction.markdown import markdown_blocks
from services.knowledge.extraction.pdf import pdf_blocks
from services.knowledge.extraction.plain_text import plain_text_blocks
from services.knowledge.extraction.web_page import page_blocks

# PostgreSQL's text holds no NUL; no control character but tab and newline means anything to a reader.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_OF_BYTES = {ContentType.PDF: pdf_blocks, ContentType.DOCX: docx_blocks}
_OF_TEXT = {
    ContentType.MARKDOWN: markdown_blocks,
    ContentType.PLAIN: plain_text_blocks,
    ContentType.HTML: page_blocks,
}


def extract(content: bytes, content_type: ContentType) -> list[Block]:
    """
    Return the blocks of a document; equal contents have equal blocks.

    Raises:
        IndexingFailed: EXTRACTION_FAILED, EXTRACTION_TOO_LARGE or ENCRYPTED_DOCUMENT.
        MemoryError: it takes more than there is.
    """
    try:
        if content_type.is_text:
            blocks = _OF_TEXT[content_type](_text(content))
        else:
            blocks = _OF_BYTES[content_type](content)
    except RecursionError:
        raise IndexingFailed("EXTRACTION_FAILED", "The content is nested too deeply.") from None
    # References such as &#1; bring in what the bytes do not hold.
    return [
        replace(block, text=_CONTROLS.sub("", block.text)) if _CONTROLS.search(block.text) else block
        for block in blocks
    ]


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise IndexingFailed("EXTRACTION_FAILED", "The content is not text in UTF-8.") from None
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
