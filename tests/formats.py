"""Small PDF and DOCX files, made by hand."""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def paragraph(text: str, style: str = "", extra: str = "") -> str:
    """A paragraph of a Word document; `extra` are further properties."""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{named}{extra}</w:pPr><w:r><w:t xml:space='preserve'>{text}</w:t></w:r></w:p>"


def word_item(text: str, level: int = 0, numbered: bool = False) -> str:
    """An item of a list of a Word document."""
    number = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{2 if numbered else 1}"/></w:numPr>'
    return paragraph(text, extra=number)


def word_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of a Word document."""
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def docx(body: str, parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """A Word document with such a body; `parts` replace or join the usual ones."""
    levels = "".join(
        f'<w:abstractNum w:abstractNumId="{number}"><w:lvl w:ilvl="0"><w:numFmt w:val="{kind}"/></w:lvl>'
        f'<w:lvl w:ilvl="1"><w:numFmt w:val="{kind}"/></w:lvl></w:abstractNum>'
        for number, kind in ((1, "bullet"), (2, "decimal"))
    )
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}"/></w:style>'
        for name in ("Title", "heading 1", "heading 2", "Code")
    )
    whole: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{W}" xmlns:r="{_OFFICE}">'
        f"<w:body>{body}</w:body></w:document>",
        "word/styles.xml": f'<w:styles xmlns:w="{W}">{styles}</w:styles>',
        "word/numbering.xml": f'<w:numbering xmlns:w="{W}">{levels}'
        '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
        '<w:num w:numId="2"><w:abstractNumId w:val="2"/></w:num></w:numbering>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        f'<Relationship Id="n" Type="{_OFFICE}/numbering" Target="numbering.xml"/></Relationships>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**whole, **(parts or {})}.items():
            archive.writestr(name, text)
    return file.getvalue()


@dataclass(frozen=True)
class Text:
    """A piece of text on a page of a PDF; places in points from the lower left corner."""

    text: str
    x: float = 72
    y: float = 720
    size: float = 10
    font: str = "Helvetica"

    def drawn(self, fonts: Sequence[str]) -> bytes:
        """Its operators."""
        escaped = (
            self.text.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
        )
        return b"BT /F%d %g Tf %g %g Td (%s) Tj ET\n" % (
            fonts.index(self.font), self.size, self.x, self.y, escaped
        )  # fmt: skip


def pdf(pages: Sequence[Sequence[Text]], *, trailer: str = "", stream: bytes | None = None) -> bytes:
    """A PDF with such pages of 595 × 842 points; `stream` stands for each page's operators."""
    fonts = sorted({text.font for page in pages for text in page} | {"Helvetica"})
    resources = " ".join(
        f"/F{number} <</Type/Font/Subtype/Type1/BaseFont/{font}/Encoding/WinAnsiEncoding>>"
        for number, font in enumerate(fonts)
    )
    kids = " ".join(f"{3 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>".encode()]
    for number, page in enumerate(pages):
        drawn = b"".join(text.drawn(fonts) for text in page) if stream is None else stream
        packed = zlib.compress(drawn, 9)
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {4 + 2 * number} 0 R"
            f"/Resources<</Font<<{resources}>>>>>>".encode()
        )
        objects.append(b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed))
    file, places = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    end = f"trailer\n<</Size {count}/Root 1 0 R{trailer}>>\nstartxref\n{len(file)}\n%%EOF\n".encode()
    return file + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + end


_KEYS = f"/O<{'11' * 32}>/U<{'22' * 32}>"
ENCRYPTED_PDF = pdf(
    [[Text("secret")]],
    trailer=f"/ID[<{'00' * 16}><{'00' * 16}>]/Encrypt<</Filter/Standard/V 1/R 2/P -4{_KEYS}>>",
)
# An OLE file with Word's stream for what a password protects.
ENCRYPTED_DOCX = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504 + "EncryptedPackage".encode("utf-16-le")
