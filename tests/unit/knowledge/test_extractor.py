"""From bytes to blocks."""

from contextlib import suppress

import pytest

from services.knowledge.domain.chunking.blocks import Kind, Piece
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction.extractor import extract


def test_plain_text_keeps_its_lines() -> None:
    """Paragraphs are parted by empty lines; nothing in them is markup."""
    blocks = extract(b"# no heading\r\nline\r\n \r\n\r\n*b*\n", ContentType.PLAIN)
    assert blocks == [Piece(Kind.PARAGRAPH, "# no heading\nline"), Piece(Kind.PARAGRAPH, "*b*")]


def test_control_characters_and_byte_order_marks_are_left_out() -> None:
    """What no database and no reader can use is not text."""
    blocks = extract(b"\xef\xbb\xbfa\x00b\x1bc\td", ContentType.PLAIN)
    assert blocks == [Piece(Kind.PARAGRAPH, "abc\td")]


def test_references_bring_in_no_control_characters() -> None:
    """They would be in answers, and terminals obey them."""
    assert extract(b"a&#1;b&#27;c&#127;d", ContentType.HTML) == [Piece(Kind.PARAGRAPH, "abcd")]


def test_broken_text_fails_for_good() -> None:
    """What is no UTF-8 can't be indexed, however often it is tried."""
    with pytest.raises(IndexingFailed) as caught:
        extract(b"\xff\xfe", ContentType.MARKDOWN)
    assert caught.value.code == "EXTRACTION_FAILED"


@pytest.mark.parametrize("source", [b"[" * 20_000, b"> " * 5_000, b"- " * 2_000, b"*a " * 5_000])
def test_deep_nesting_is_survived(source: bytes) -> None:
    """Nonsense ends as text or as a failure with a reason, never as a crash."""
    with suppress(IndexingFailed):
        assert isinstance(extract(source, ContentType.MARKDOWN), list)
