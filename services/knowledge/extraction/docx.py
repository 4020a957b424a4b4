"""A Word document (Office Open XML) to blocks: by its styles, through the HTML that mammoth makes of it."""

import io
import re
import zipfile

import mammoth
from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction.html_blocks import blocks_of

# What is inflated at most; 2,000 passages of prose take about a third of it in Word's XML.
MAX_XML_BYTES = 48 * 1024 * 1024
MAX_ENTRIES = 5000
_READ_AT_ONCE = 1024 * 1024
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_DOCTYPE = re.compile(rb"<!\s*DOCTYPE|<!\s*ENTITY", re.IGNORECASE)
_ENCRYPTED = IndexingFailed("ENCRYPTED_DOCUMENT", "The document is protected by a password.")
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
p[style-name='Preformatted Text'] => pre:separator('\\n')
p[style-name='Plain Text'] => pre:separator('\\n')
"""


def docx_blocks(content: bytes) -> list[Block]:
    """
    Return the blocks of a document's body with its foot and end notes.

    Left out are headers and footers, comments, deleted text and pictures.

    Raises:
        IndexingFailed: ENCRYPTED_DOCUMENT, EXTRACTION_TOO_LARGE or EXTRACTION_FAILED.
    """
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise _ENCRYPTED
        raise IndexingFailed(
            "EXTRACTION_FAILED", "It is no DOCX but an older file of Word or another program."
        )
    try:
        _check(content)
        html = mammoth.convert_to_html(
            io.BytesIO(content),
            style_map=_STYLES,
            # What a document says about how to read it is not asked, and nothing beside it is opened.
            include_embedded_style_map=False,
            external_file_access=False,
            convert_image=lambda _: [],
        ).value
    except (IndexingFailed, MemoryError, RecursionError):
        raise
    except Exception as error:
        raise IndexingFailed("EXTRACTION_FAILED", "The file is no DOCX, or it is damaged.") from error
    body = LexborHTMLParser(f"<body>{html}</body>").body
    return [] if body is None else blocks_of(body, _is_back_link)


def _check(content: bytes) -> None:
    """Refuse bombs, locks and document type definitions before anything interprets them."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES:
            raise IndexingFailed("EXTRACTION_TOO_LARGE", f"The file holds more than {MAX_ENTRIES} parts.")
        if any(entry.flag_bits & 1 for entry in entries):
            raise _ENCRYPTED
        parts = [entry for entry in entries if entry.filename.lower().endswith((".xml", ".rels"))]
        size = 0
        for part in parts:
            with archive.open(part) as stream:
                before = b""
                while piece := stream.read(_READ_AT_ONCE):
                    size += len(piece)
                    if size > MAX_XML_BYTES:
                        detail = f"Its parts are larger than {MAX_XML_BYTES} bytes when they are unpacked."
                        raise IndexingFailed("EXTRACTION_TOO_LARGE", detail)
                    if _DOCTYPE.search(before + piece):
                        detail = "It has a document type definition, which no DOCX has."
                        raise IndexingFailed("EXTRACTION_FAILED", detail)
                    before = piece[-16:]


def _is_back_link(node: LexborNode) -> bool:
    """The arrow that leads from a note back to where it is referred to."""
    address = node.attributes.get("href") or ""
    return node.tag == "a" and address.startswith(("#footnote-ref", "#endnote-ref"))
