"""Importing all that an extractor imports late, by extracting one small document of each kind."""

import codecs
import io
import zipfile
from contextlib import suppress

from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction.extractor import extract

# What names in archives and XML may be in.
_ENCODINGS = (
    "ascii",
    "cp437",
    "cp1252",
    "latin_1",
    "utf_8_sig",
    "utf_16",
    "utf_16_le",
    "utf_16_be",
    "utf_32",
)
_HTML = b"<main><h1>a</h1><ul><li>b</ul><table><tr><td>c<td>d</table><pre>e</pre></main>"
_MARKDOWN = b"# a\n\n- b\n\n| c | d |\n| - | - |\n| e | f |\n\n```\ng\n```\n\n<p>&eacute; \xc3\xa9</p>\n"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
_DOCX = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" Type="{_OFFICE}" '
    'Target="word/document.xml"/></Relationships>',
    "word/document.xml": f'<w:document xmlns:w="{_W}"><w:body><w:p><w:r><w:t>a</w:t></w:r></w:p></w:body>'
    "</w:document>",
}
_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F<</Type/Font"
    b"/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj 4 0 obj<</Length 33>>stream\n"
    b"BT /F 12 Tf 9 9 Td (a b) Tj ET   \nendstream endobj\ntrailer<</Root 1 0 R>>"
)


def warm_up() -> None:
    """Extract, and look up what is looked up by name."""
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in _DOCX.items():
            file.writestr(name, text)
    for content, content_type in (
        (_MARKDOWN, ContentType.MARKDOWN),
        (_HTML, ContentType.HTML),
        (_PDF, ContentType.PDF),
        (archive.getvalue(), ContentType.DOCX),
        (b"a", ContentType.PLAIN),
    ):
        extract(content, content_type)
    for content_type in (ContentType.PDF, ContentType.DOCX):
        with suppress(IndexingFailed):
            extract(b"broken", content_type)
