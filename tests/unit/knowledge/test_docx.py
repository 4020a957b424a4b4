"""Word documents to blocks."""

import struct

import pytest

from services.knowledge.domain.chunking.blocks import Heading, Kind, Piece
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction import docx as reading
from services.knowledge.extraction.docx import docx_blocks
from services.knowledge.extraction.extractor import extract
from tests.formats import ENCRYPTED_DOCX, W, docx, paragraph, word_item, word_table

DELETED = (
    "<w:p><w:r><w:t>kept </w:t></w:r><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>"
    "<w:ins><w:r><w:t>inserted</w:t></w:r></w:ins></w:p>"
)
ENTITY = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def failure(content: bytes) -> IndexingFailed:
    with pytest.raises(IndexingFailed) as caught:
        extract(content, ContentType.DOCX)
    return caught.value


def test_styles_become_blocks() -> None:
    """Titles, headings, paragraphs, lists, tables and code are what their styles say."""
    body = "".join(
        [
            paragraph("Handbook", "Title"),
            paragraph("Plans", "heading1"),
            paragraph("Plans renew each month."),
            paragraph("Steps", "heading2"),
            word_item("open"),
            word_item("look", level=1),
            word_item("pay", numbered=True),
            word_table([["Plan", "Price"], ["Pro", "10|20"]]),
            paragraph("pay", "Code"),
            paragraph("  --now", "Code"),
        ]
    )
    assert docx_blocks(docx(body)) == [
        Heading(1, "Handbook"),
        Heading(1, "Plans"),
        Piece(Kind.PARAGRAPH, "Plans renew each month."),
        Heading(2, "Steps"),
        Piece(Kind.LIST_ITEM, "- open\n  - look"),
        Piece(Kind.LIST_ITEM, "1. pay"),
        Piece(Kind.TABLE, "| Plan | Price |\n| --- | --- |\n| Pro | 10\\|20 |"),
        Piece(Kind.CODE, "```\npay\n  --now\n```"),
    ]


def test_deleted_text_and_comments_are_not_taken() -> None:
    """What the author took out, or said beside the text, is not what the document says."""
    comments = f'<w:comments xmlns:w="{W}"><w:comment w:id="0">{paragraph("remark")}</w:comment></w:comments>'
    assert docx_blocks(docx(DELETED, {"word/comments.xml": comments})) == [
        Piece(Kind.PARAGRAPH, "kept inserted")
    ]


def test_notes_are_at_the_end_without_their_arrows() -> None:
    """A footnote is text of the document; the arrow that leads back from it is not."""
    reference = '<w:p><w:r><w:t>Plans renew.</w:t><w:footnoteReference w:id="1"/></w:r></w:p>'
    note = f'<w:footnote w:id="1">{paragraph("Each month.")}</w:footnote>'
    notes = f'<w:footnotes xmlns:w="{W}">{note}</w:footnotes>'
    texts = [block.text for block in docx_blocks(docx(reference, {"word/footnotes.xml": notes}))]
    assert texts == ["Plans renew.[1]", "1. Each month."]


def test_nothing_beside_the_file_is_opened() -> None:
    """Relationships that lead out of the file lead nowhere."""
    out = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relationships = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="i" Type="{out}/image" Target="file:///etc/passwd" TargetMode="External"/>'
        f'<Relationship Id="h" Type="{out}/hyperlink" Target="http://192.0.2.1/" TargetMode="External"/>'
        f'<Relationship Id="s" Type="{out}/styles" Target="http://192.0.2.1/" TargetMode="External"/>'
        "</Relationships>"
    )
    picture = (
        '<w:p><w:r><w:drawing><a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        'r:link="i"/></w:drawing></w:r><w:hyperlink r:id="h"><w:r><w:t>link</w:t></w:r></w:hyperlink></w:p>'
    )
    content = docx(picture, {"word/_rels/document.xml.rels": relationships})
    assert docx_blocks(content) == [Piece(Kind.PARAGRAPH, "link")]


@pytest.mark.parametrize("part", ["word/document.xml", "word/styles.xml", "_rels/.rels"])
def test_document_types_are_refused(part: str) -> None:
    """Entities, external or endless, are not even looked at."""
    assert failure(docx("", {part: f"{ENTITY}<x>&e;</x>"})).code == "EXTRACTION_FAILED"


@pytest.mark.parametrize("place", [-1, -8])
def test_document_types_are_found_wherever_they_stand(place: int) -> None:
    """A part is looked at in pieces; what lies across two of them is seen."""
    part = " " * (1024 * 1024 + place) + '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'
    assert "document type" in failure(docx("", {"word/document.xml": part})).detail


def test_bombs_are_not_unpacked() -> None:
    """A small file that unpacks to a large one fails before anything reads it."""
    bomb = docx("", {"word/document.xml": b" " * (reading.MAX_XML_BYTES + 1)})
    assert len(bomb) < 100_000
    assert failure(bomb).code == "EXTRACTION_TOO_LARGE"
    many = docx("", {f"x{number}": "" for number in range(reading.MAX_ENTRIES)})
    assert failure(many).code == "EXTRACTION_TOO_LARGE"


def test_locked_files_say_so() -> None:
    """A password, of Word or of the archive, is named as the reason."""
    locked = bytearray(docx(paragraph("x")))
    entry = locked.index(b"PK\x01\x02")
    struct.pack_into("<H", locked, entry + 8, 1)
    assert failure(ENCRYPTED_DOCX).code == "ENCRYPTED_DOCUMENT"
    assert failure(bytes(locked)).code == "ENCRYPTED_DOCUMENT"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"no archive",
        ENCRYPTED_DOCX[:512],
        docx("")[:300],
        docx("<w:p>"),
        docx("", {"_rels/.rels": "x"}),
    ],
)
def test_broken_files_fail_with_a_reason(content: bytes) -> None:
    """What is no DOCX fails for good, an old file of Word too."""
    assert failure(content).code == "EXTRACTION_FAILED"


def test_deep_nesting_fails_with_a_reason() -> None:
    """Tables in tables in tables exhaust nothing."""
    body = "<w:tbl><w:tr><w:tc>" * 1500 + paragraph("x") + "</w:tc></w:tr></w:tbl>" * 1500
    assert failure(docx(body)).code == "EXTRACTION_FAILED"
